"""Rows selected by time, and what is reported if there are none."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import arirecord
from arirecord.analytics import connection
from arirecord.cli import VERBS, cli
from arirecord.cli.param_types import TIME

from .conftest import SAMPLES

TRANSFERS = SAMPLES / "transfers.parquet"
WEEK = SAMPLES / "week"
RUNS = "The recording runs from 2026-11-23 22:59:13 to 23:01:06 (UTC)."


def run(*args: object, code: int = 0) -> tuple[str, str]:
    """What a command prints on stdout and on stderr."""
    done = CliRunner().invoke(cli, ["--no-config", *map(str, args)])
    assert done.exit_code == code, done.stderr
    return done.stdout, done.stderr


def rows(*args: object) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(run(*args, "--format", "json")[0])
    return found


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_reads_times_in_the_same_way(verb: str) -> None:
    """An option for a time has the type for times, and comes with a time zone."""
    context = cli.make_context("arirecord", ["--no-config"], resilient_parsing=True)
    command = cli.get_command(context, verb)
    assert command is not None
    options = {name: option for option in command.params for name in option.opts if isinstance(option, click.Option)}
    times = [option for name, option in options.items() if name in ("--since", "--until", "--start")]

    assert all(option.type is TIME for option in times)
    assert not times or "--timezone" in options


@pytest.mark.parametrize("verb", ["capture", "tap"])
@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("127.0.0.1:19000", ("127.0.0.1", 19000)),
        (":19000", ("127.0.0.1", 19000)),
        ("19000", ("127.0.0.1", 19000)),
        ("[::1]:19000", ("::1", 19000)),
        ("19000x", None),
        ("host", None),
        ("::1:19000", None),
        ("", None),
        ("pbx:", None),
        (":70000", None),
        (":٣", None),
    ],
)
def test_every_verb_that_listens_reads_addresses_in_the_same_way(
    verb: str, typed: str, address: tuple[str, int] | None
) -> None:
    """With a host or without."""
    context = cli.make_context("arirecord", ["--no-config"], resilient_parsing=True)
    command = cli.get_command(context, verb)
    assert command is not None
    args = ["--listen", typed, "-o", "x.parquet"]

    if address is None:
        with pytest.raises(click.BadParameter, match="is not an address to listen on"):
            command.make_context(verb, args, parent=context)
    else:
        assert command.make_context(verb, args, parent=context).params["listen"] == address


@pytest.mark.parametrize(
    "text", ["+2s", "22:59:40", "22:57", "2026-11-23T22:59:40", "23:59:40+01:00", "seq:10", "2", "noon"]
)
def test_a_time_means_the_same_in_every_verb(text: str, tmp_path: Path) -> None:
    """The table of events, `cat`, `filter` and `replay` begin at the same event, or refuse in the same words."""
    verbs = {
        "cat": ["--since", text, "--format", "jsonl"],
        "filter": ["--since", text, "-o", str(tmp_path / "part.parquet")],
        "calls": ["--since", text],
    }
    results = {verb: CliRunner().invoke(cli, [verb, str(TRANSFERS), *args]) for verb, args in verbs.items()}
    if text in ("2", "noon"):
        said = {result.stderr.partition("'--since': ")[2] for result in results.values()}
        assert len(said) == 1
        assert "has no unit" in said.pop() if text == "2" else "is not a time such as" in said.pop()
        return
    first = json.loads(results["cat"].stdout.splitlines()[0])
    begin = arirecord.open_session(tmp_path / "part.parquet").header
    from arirecord.replay.frame_source import find_place

    assert begin.started_ns + begin.first_elapsed_ns <= first["t"]
    frames = arirecord.open_session(tmp_path / "part.parquet").frames()
    assert next(frames).raw == first["frame"]
    assert find_place(text, arirecord.open_session(TRANSFERS)).ns <= first["t"]


@pytest.mark.slow
def test_a_time_of_day_is_on_each_day() -> None:
    """In tables and in `cat`, in the time zone given."""
    calls = arirecord.open_session(WEEK).calls()["started_at"]
    middle = sorted(calls.dt.time())[len(calls) // 2].replace(microsecond=0)
    late = rows("calls", WEEK, "--since", middle, "--columns", "started_at")
    early = rows("calls", WEEK, "--until", middle, "--columns", "started_at")
    shifted = middle.replace(hour=middle.hour + 1)
    prague = rows("calls", WEEK, "--since", shifted, "--timezone", "Europe/Prague", "--columns", "started_at")

    assert len(late) == sum(at >= middle for at in calls.dt.time())
    assert len(early) + len(late) == len(calls)
    assert len({row["started_at"][:10] for row in late}) > 1
    assert prague == late
    frames = run("cat", WEEK, "--since", middle)[0].count("\n") + run("cat", WEEK, "--until", middle)[0].count("\n")
    assert frames == arirecord.open_session(WEEK).header.events


@pytest.mark.slow
def test_filter_keeps_a_time_of_each_day(tmp_path: Path) -> None:
    middle = sorted(arirecord.open_session(WEEK).calls()["started_at"].dt.time())[60].replace(microsecond=0)
    run("filter", WEEK, "--until", middle, "-o", tmp_path / "early.parquet")
    run("filter", WEEK, "--since", middle, "-o", tmp_path / "late.parquet")
    parts = [arirecord.open_session(tmp_path / f"{name}.parquet") for name in ("early", "late")]

    assert sum(part.header.events for part in parts) == arirecord.open_session(WEEK).header.events
    assert all(part.header.events for part in parts)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["calls", "--since", "14:00", "--until", "15:00"],
            f"No rows: --since 14:00 --until 15:00. Nothing was recorded then. {RUNS}",
        ),
        (["calls", "--since", "2027-01-01"], f"No rows: --since 2027-01-01. Nothing was recorded then. {RUNS}"),
        (["kpis", "--bucket", "1h", "--since", "+1d"], f"No rows: --since +1d. Nothing was recorded then. {RUNS}"),
        (["registrations"], "No rows. The table needs: "),
        (["calls", "--since", "2026-11-24", "--until", "2026-11-23"], "--until is not after --since; a date alone is"),
        (["calls", "--since", "23:30", "--until", "23:40"], f"--until 23:40. Nothing was recorded then. {RUNS}"),
        (["legs", "--where", "up_s > 9999"], f"No rows: --where up_s > 9999. {RUNS}"),
        (["calls", "--disposition", "ANSWRED"], "No rows. --disposition ANSWRED occurs nowhere; values are ANSWERED."),
        (["hangups", "--disposition", "BUSY"], "No rows. --disposition BUSY occurs nowhere; values are ANSWERED."),
        (["calls", "--number", "424242"], "No rows. --number 424242 occurs nowhere; values are 1001, 1002, "),
        (["calls", "--call", "1795474763.8"], "--call 1795474763.8 occurs nowhere; values are 1795474763.8"),
        (
            ["cat", "--since", "14:00", "--until", "15:00"],
            f"No frames: --since 14:00 --until 15:00. Nothing was recorded then. {RUNS}",
        ),
        (["cat", "--type", "Dail"], "No frames. --type Dail occurs nowhere; values are Dial, "),
        (["cat", "--channel", "nobody"], f"No frames: --channel nobody. {RUNS}"),
    ],
)
def test_an_empty_result_says_why(args: list[str], words: str) -> None:
    """On stderr, and it is not an error."""
    verb, *options = args
    form = [] if verb == "cat" else ["--format", "json"]
    out, err = run(verb, TRANSFERS, *options, *form)

    assert words in err
    assert out == ("" if verb == "cat" else "[]\n")


@pytest.mark.slow
def test_a_value_that_occurs_nowhere_beside_one_that_does() -> None:
    """The rows of the other are printed."""
    args = ["calls", TRANSFERS, "--disposition", "ANSWERED", "--disposition", "ANSWRED", "--columns", "call_id"]

    assert len(rows(*args)) == arirecord.open_session(TRANSFERS).calls().height
    assert run(*args)[1] == "--disposition ANSWRED occurs nowhere; values are ANSWERED.\n"


def test_a_type_that_occurs_nowhere_beside_one_that_does(tmp_path: Path) -> None:
    """The events of the other are kept. A type to leave out need not occur, if ARI has it."""
    dials = ["--type", "Dial"]
    out, err = run("cat", TRANSFERS, *dials, "--type", "Dail")
    assert out == run("cat", TRANSFERS, *dials)[0]
    assert err.startswith("--type Dail occurs nowhere; values are Dial, ")
    _, err = run("filter", TRANSFERS, *dials, "--exclude", "Dail", "-o", tmp_path / "dials.parquet")
    assert "events. --exclude Dail occurs nowhere; values are Dial, " in err
    _, err = run("filter", TRANSFERS, *dials, "--exclude", "ChannelToneDetected", "-o", tmp_path / "others.parquet")
    assert "nowhere" not in err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl", "parquet", "markdown"])
def test_filtered_rows_are_made_once(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The condition is evaluated once for each row."""
    made: list[connection.Tables] = []

    class Counting(connection.Tables):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.connection.execute("CREATE SEQUENCE evaluations")
            made.append(self)

    monkeypatch.setattr(connection, "Tables", Counting)
    where = ("--where", "nextval('evaluations') > 0", "--format", form)
    run("calls", TRANSFERS, *where, "-o", tmp_path / "calls")
    count = arirecord.open_session(TRANSFERS).calls().height
    assert made[0].connection.execute("SELECT nextval('evaluations')").fetchall() == [(count + 1,)]


def test_a_filter_that_keeps_nothing_fails_and_says_why(tmp_path: Path) -> None:
    _, err = run("filter", TRANSFERS, "--type", "Dail", "-o", tmp_path / "x.parquet", code=1)
    assert "No events. --type Dail occurs nowhere; values are Dial, " in err
    _, err = run("filter", TRANSFERS, "--since", "+1h", "-o", tmp_path / "x.parquet", code=1)
    assert f"No events: --since +1h. Nothing was recorded then. {RUNS} No session is made." in err
    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.slow
def test_tables_show_times_in_the_zone_and_files_do_not(tmp_path: Path) -> None:
    """The zone comes from an option or from the settings."""
    args = ["calls", TRANSFERS, "--columns", "started_at", "--limit", "1"]
    assert "2026-11-23 22:59:13" in run(*args)[0]
    assert "2026-11-24 04:29:13" in run(*args, "--timezone", "Asia/Kolkata")[0]
    assert rows(*args, "--timezone", "Asia/Kolkata") == rows(*args)
    (tmp_path / "arirecord.toml").write_text('timezone = "Asia/Kolkata"\n')
    set_up = CliRunner().invoke(cli, ["--config", str(tmp_path / "arirecord.toml"), *map(str, args)])
    assert "2026-11-24 04:29:13" in set_up.stdout


@pytest.mark.slow
def test_a_ladder_has_its_time_in_the_zone() -> None:
    """The time of a call, and the list of calls that match a number."""
    call = ("explain", TRANSFERS, "1795474753.78")
    assert "when        2026-11-23 22:59:13.635 to 22:59:16.846 UTC (3.211 s)" in run(*call)[0]
    zone = ("--timezone", "asia/kolkata")
    assert "when        2026-11-24 04:29:13.635 to 04:29:16.846 Asia/Kolkata (3.211 s)" in run(*call, *zone)[0]
    assert "1795474753.78   2026-11-24 04:29:13.635  1001" in run("explain", TRANSFERS, "1002", *zone)[0]


@pytest.mark.slow
def test_a_query_has_buckets_and_times_in_the_zone() -> None:
    """Also those with an offset, for which DuckDB has a setting of its own; a TIMESTAMP stays UTC."""
    sql = "SELECT started_at, local_time(started_at) AS local, timezone('UTC', started_at) AS moment FROM calls"
    zones = {"UTC": "2026-11-23 22:59:13.635+00:00", "Asia/Kolkata": "2026-11-24 04:29:13.635+05:30"}
    for zone, moment in zones.items():
        cells = run("query", TRANSFERS, f"{sql} ORDER BY 1 LIMIT 1", "--timezone", zone)[0].splitlines()[-1].split("  ")
        assert cells == ["2026-11-23 22:59:13.635", moment[:23], moment]
    days = rows("query", WEEK, "SELECT bucket_at FROM kpis(bucket := INTERVAL 1 DAY)", "--timezone", "Asia/Tokyo")
    assert {datetime.fromisoformat(row["bucket_at"]).hour for row in days} == {15}


@pytest.mark.slow
@pytest.mark.parametrize("table", ["calls", "legs", "transfers", "channels", "dtmf", "queue_calls", "kpis"])
def test_a_zone_changes_no_table(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of the session nor that of the machine."""
    utc = arirecord.open_session(TRANSFERS).sql(f"FROM {table} ORDER BY ALL")
    monkeypatch.setenv("TZ", "America/New_York")
    tokyo = arirecord.open_session(TRANSFERS, timezone="Asia/Tokyo")

    assert tokyo.sql(f"FROM {table} ORDER BY ALL").equals(utc)


@pytest.mark.slow
def test_kpis_of_days_in_a_zone() -> None:
    found = rows("kpis", WEEK, "--bucket", "1d", "--timezone", "Asia/Tokyo", "--columns", "bucket_at")

    assert {datetime.fromisoformat(row["bucket_at"]).hour for row in found} == {15}
