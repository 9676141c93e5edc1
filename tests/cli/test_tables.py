"""A command for each mart."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import arirecord
from arirecord.analytics.models import LAYERS, mart_names
from arirecord.cli import GROUPS, cli
from tests.waiting import HANG_S

from .conftest import SAMPLES, Run

pytestmark = pytest.mark.slow

BUSY = SAMPLES / "peak_load.parquet"
IVR = SAMPLES / "ivr_dtmf.parquet"


def rows(run: Run, *args: object) -> list[dict[str, object]]:
    """What a command prints as JSON."""
    found: list[dict[str, object]] = json.loads(run(*args, "--format", "json").stdout)
    return found


def test_every_mart_is_a_command() -> None:
    """And `--help` lists it without asking DuckDB."""
    assert sorted(mart_names()) == sorted(
        name for group in GROUPS if group.startswith("Tables") for name in GROUPS[group]
    )


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], {"duckdb", "polars", "pyarrow", "rich", "httpx2", "starlette"}),
        (["query", str(IVR), "SELECT seq FROM events LIMIT 1"], {"polars", "pyarrow.compute", "zstandard"}),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(arguments: list[str], unneeded: set[str]) -> None:
    """Help and a first look come at once."""
    main = f"c.cli({arguments}, standalone_mode=False)"
    code = f"import sys, arirecord.cli as c; {main}; print({unneeded} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG_S)

    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize("mart", mart_names())
def test_help(mart: str) -> None:
    """Ends with examples that can be typed, and offers only what the mart has columns for."""
    context = cli.make_context("arirecord", ["--no-config"], resilient_parsing=True)
    command = cli.get_command(context, mart)
    assert command is not None and command.help is not None
    options = {name for option in command.params for name in option.opts}
    columns = {name for name, *_ in arirecord.connect(IVR, models=[mart]).execute(f"DESCRIBE FROM {mart}").fetchall()}

    assert ("--number" in options) == ("--disposition" in options) == ("--call" in options) == ("call_id" in columns)
    assert ("--since" in options) == any(name.endswith("_at") for name in columns)
    assert ("--by" in options) == (mart in ("kpis", "concurrency"))
    for line in command.help.partition("Examples:")[2].split("\n"):
        if line.strip():
            assert len(line.strip()) <= 76  # and 4 columns before it
            program, verb, *args = line.replace("'", "").split()
            assert (program, verb) == ("arirecord", mart)
            command.make_context(mart, args, parent=context)


def test_a_table_in_every_form(run: Run, tmp_path: object) -> None:
    """Holds the rows of the view, in the order of the recording."""
    expected = arirecord.open_session(IVR).sql("FROM dtmf ORDER BY first_seq")
    csv = run("dtmf", IVR, "--format", "csv").stdout.decode().splitlines()
    run("dtmf", IVR, "--format", "parquet", "-o", "dtmf.parquet")
    lines = run("dtmf", IVR, "--format", "jsonl").stdout.splitlines()

    assert [row["digits"] for row in rows(run, "dtmf", IVR)] == expected["digits"].to_list()
    assert [json.loads(line)["first_seq"] for line in lines] == expected["first_seq"].to_list()
    assert csv[0].split(",") == expected.columns
    assert len(csv) == expected.height + 1
    assert pq.read_table(f"{tmp_path}/dtmf.parquet").num_rows == expected.height
    assert expected["digits"][0] in run("dtmf", IVR).stdout.decode()


@pytest.mark.parametrize(
    ("mart", "time"), [("bridge_stays", "entered_at"), ("turns", "started_at"), ("variables", "first_set_at")]
)
def test_rows_are_in_order_of_time(run: Run, mart: str, time: str) -> None:
    """Also of a table whose rows have no number of a first event, from Python too."""
    sample = SAMPLES / "voice_agent.parquet"
    printed = [datetime.fromisoformat(str(row[time])) for row in rows(run, mart, sample)]
    tolerance = timedelta(seconds=0.3)  # a turn is announced after its first sound

    assert len(printed) > 4
    assert all(later >= earlier - tolerance for earlier, later in pairwise(printed))
    assert getattr(arirecord.open_session(sample), mart)()[time].to_list() == printed


def test_filters(run: Run) -> None:
    """By number, disposition, call, time and SQL; each with the others."""
    session = arirecord.open_session(BUSY)
    calls, legs = session.calls(), session.legs()
    call = calls["call_id"][5]
    channel = legs.filter(legs["call_id"] == call)["channel_id"][-1]
    half = datetime(2026, 11, 23, 22, 28)

    assert len(rows(run, "calls", BUSY, "--disposition", "busy", "--disposition", "CANCEL")) == sum(
        calls["disposition"].is_in(["BUSY", "CANCEL"])
    )
    assert [row["call_id"] for row in rows(run, "calls", BUSY, "--call", channel)] == [call]
    assert {row["call_id"] for row in rows(run, "legs", BUSY, "--call", call)} == {call}
    early = rows(run, "calls", BUSY, "--until", "22:28", "--columns", "call_id")
    late = rows(run, "calls", BUSY, "--since", "2026-11-23T22:28:00", "--columns", "call_id")
    assert len(early) == calls.filter(calls["started_at"] < half).height
    assert len(early) + len(late) == calls.height
    by_prefix = {row["call_id"] for row in rows(run, "calls", BUSY, "--number", "210*")}
    by_glob = {row["call_id"] for row in rows(run, "calls", BUSY, "--number", "*210*")}
    assert 0 < len(by_prefix) <= len(by_glob) < calls.height
    long = rows(run, "calls", BUSY, "--where", "talk_s > 12", "--sort", "-talk_s", "--limit", 3, "--columns", "talk_s")
    assert [row["talk_s"] for row in long] == sorted(calls["talk_s"].drop_nulls(), reverse=True)[:3]


def test_kpis(run: Run) -> None:
    """By time and group."""
    (whole,) = rows(run, "kpis", BUSY)
    by_minute = rows(run, "kpis", BUSY, "--bucket", "1m")
    by_trunk = rows(run, "kpis", BUSY, "--by", "trunk", "--set", "trunks=PJSIP/load*")

    assert sum(int(str(row["attempt_count"])) for row in by_minute) == whole["attempt_count"]
    assert {row["group_value"] for row in by_trunk} == {None, "PJSIP/load1", "PJSIP/load2"}


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["calls", IVR, "--columns", "colour"], 2, "calls has no column 'colour'. Known names: call_id"),
        (["calls", IVR, "--sort", "-colour"], 2, "has no column 'colour'"),
        (["calls", IVR, "--where", "talk > 1"], 2, "--where: calls has no column 'talk'. Did you mean 'talk_s'?"),
        (["calls", IVR, "--where", "talk_s >"], 2, "--where 'talk_s >' is not a condition in SQL: syntax error"),
        (["calls", IVR, "--where", "nosuch(talk_s)"], 2, "is not a condition in SQL: Scalar Function with name nosuch"),
        (["calls", IVR, "--since", "noon"], 2, "is not a time such as"),
        (["calls", IVR, "--by", "trunk"], 2, "No such option"),
        (["kpis", IVR, "--bucket", "1x"], 2, "'1x' is not a length of a bucket such as 15m, 1h, 1d, 1w or 1month"),
        (["dtmf", IVR, "--set", "dtmf_gap_ms"], 2, "is not a setting such as dtmf_gap_ms=5000"),
        (["dtmf", IVR, "--set", "gap=1"], 2, "No parameter is named 'gap'. Did you mean 'dtmf_gap_ms'"),
        (["dtmf", IVR, "--set", "dtmf_gap_ms=long"], 2, "dtmf_gap_ms is a number of ms from 0 on, not 'long'"),
        (["calls", "missing.parquet"], 1, "missing.parquet does not exist"),
        (["metrics", "colours"], 2, "No table is named 'colours'. Known names: agent_calls"),
        (["models", "--sql"], 2, "arirecord models SESSION --sql"),
        (["models", "calls"], 2, "arirecord models --model calls"),
        (["models", "--model", "colours"], 2, "No model is named 'colours'. `arirecord models` lists"),
    ],
)
def test_what_goes_wrong_is_said(args: list[object], code: int, words: str) -> None:
    """In one sentence, and nothing on stdout."""
    done = CliRunner().invoke(cli, ["--no-config", *map(str, args)])

    assert (done.exit_code, done.stdout) == (code, "")
    assert words in done.stderr


def test_metrics(run: Run) -> None:
    """Lists every table; of one, every column with its meaning; and the parameters."""
    assert [row["table"] for row in rows(run, "metrics")] == mart_names()
    columns = rows(run, "metrics", "calls")
    assert [row["column"] for row in columns] == arirecord.open_session(IVR).calls().columns
    assert all(row["meaning"] for row in columns)
    assert "dtmf_gap_ms" in {row["parameter"] for row in rows(run, "metrics", "--parameters")}
    text = run("metrics", "kpis").stdout.decode()
    assert "RFC 6076" in text
    assert "asr_ratio" in text


def test_models_as_sql(run: Run) -> None:
    """A script that plain DuckDB runs, with the same rows in its tables."""
    script = run("models", IVR, "--sql").stdout.decode()
    con = duckdb.connect()
    con.execute(script)

    assert con.execute("SELECT count(*) FROM calls").fetchall() == [(arirecord.open_session(IVR).calls().height,)]
    assert con.execute("SELECT count(*) FROM kpis(by := 'endpoint')").fetchall() > [(1,)]
    layers = [str(row["layer"]) for row in rows(run, "models")]
    assert layers == sorted(layers, key=lambda layer: LAYERS.index(layer))
