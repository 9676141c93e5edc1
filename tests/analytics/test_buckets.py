"""Buckets of time begin as clocks in the time zone show it, also where daylight saving time begins or ends."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arirecord
from arirecord.analytics.buckets import bucket_macros
from arirecord.select.units import parse_bucket, parse_seconds
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal

PRAGUE = ZoneInfo("Europe/Prague")
S = 10**9


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in bucket_macros():
            connection.execute(statement)
        yield connection


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text)


def starts(con: duckdb.DuckDBPyConnection, zone: str, bucket: str, since: datetime, until: datetime) -> list[datetime]:
    """`bucket_starts` in a zone, held together with the other macros for moments every ten minutes."""
    con.execute(f"SET VARIABLE timezone = '{zone}'")
    length = f"INTERVAL '{parse_bucket(bucket)}'"
    (found,) = con.execute(f"SELECT bucket_starts({length}, $1, $2)", [since, until]).fetchall()[0]
    rows = con.execute(
        f"SELECT DISTINCT bucket_start({length}, moment) AS start, bucket_end({length}, start) "
        "FROM (SELECT unnest(range($1, $2, INTERVAL 10 MINUTE)) AS moment) ORDER BY start",
        [since, until],
    ).fetchall()
    assert [start for start, _ in rows] == found
    assert [end for _, end in rows[:-1]] == found[1:]
    listed: list[datetime] = found
    return listed


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-24", 24), ("2026-10-25", 25)]
)
def test_a_day_is_as_long_as_clocks_say(con: duckdb.DuckDBPyConnection, day: str, hours: int) -> None:
    since = datetime.combine(date.fromisoformat(day), datetime.min.time(), PRAGUE).astimezone(UTC).replace(tzinfo=None)
    days = starts(con, "Europe/Prague", "1d", since, since + timedelta(hours=30))
    by_hour = starts(con, "Europe/Prague", "1h", days[0], days[1])

    assert days == [since, since + timedelta(hours=hours)]
    assert len(by_hour) == hours
    assert {b - a for a, b in pairwise(by_hour)} == {timedelta(hours=1)}


@pytest.mark.parametrize(
    ("bucket", "day", "local_times"),
    [
        ("2h", "2026-03-29", "00:00 03:00 04:00 06:00"),
        ("2h", "2026-10-25", "00:00 02:00 04:00 06:00"),
        ("3h", "2026-03-29", "00:00 03:00 06:00 09:00"),
        ("4h", "2026-10-25", "00:00 04:00 08:00 12:00"),
        ("1h", "2026-10-25", "00:00 01:00 02:00 02:00"),
        ("30m", "2026-03-29", "00:00 00:30 01:00 01:30 03:00"),
    ],
)
def test_buckets_begin_at_full_hours_of_the_clock(
    con: duckdb.DuckDBPyConnection, bucket: str, day: str, local_times: str
) -> None:
    midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), PRAGUE)
    since = midnight.astimezone(UTC).replace(tzinfo=None)
    found = starts(con, "Europe/Prague", bucket, since, since + timedelta(hours=14))
    shown = [f"{start.replace(tzinfo=UTC).astimezone(PRAGUE):%H:%M}" for start in found]

    assert shown[: len(local_times.split())] == local_times.split()


def test_hours_of_a_zone_at_a_half(con: duckdb.DuckDBPyConnection) -> None:
    found = starts(con, "Asia/Kolkata", "1h", utc("2026-11-23 22:00"), utc("2026-11-23 23:00"))

    assert found == [utc("2026-11-23 21:30"), utc("2026-11-23 22:30")]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(available_timezones() - {"localtime", "posixrules"})),
    st.datetimes(datetime(2001, 1, 1), datetime(2026, 12, 1)),
)
def test_days_of_every_zone(con: duckdb.DuckDBPyConnection, zone: str, moment: datetime) -> None:
    """A moment is in the bucket of its local day, and DuckDB knows each zone that Python knows."""
    con.execute(f"SET VARIABLE timezone = '{zone}'")
    sql = "SELECT bucket_start(INTERVAL 1 DAY, $1), bucket_end(INTERVAL 1 DAY, bucket_start(INTERVAL 1 DAY, $1))"
    begin, end = con.execute(sql, [moment]).fetchall()[0]
    before, first, within, last, after = (
        t.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        for t in (begin - timedelta.resolution, begin, moment, end - timedelta.resolution, end)
    )

    assert begin <= moment < end
    assert before < first == within == last < after


@given(st.integers(1, 999), st.sampled_from(["ms", "s", "m", "h", "d", "w"]))
def test_lengths(number: int, unit: str) -> None:
    """A length is read the same as a text and as a timedelta."""
    seconds = parse_seconds(f"{number}{unit}")
    assert seconds is not None

    assert parse_bucket(f"{number} {unit}") == parse_bucket(timedelta(seconds=seconds))
    assert parse_seconds(f"{number}{unit} {number}ms") == pytest.approx(seconds + number / 1000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("90 min", 5400), ("2 hours", 7200), ("1 day", 86400), ("0.5s", 0.5), ("1w", 604800)],
)
def test_lengths_in_words(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "1x", "-1h", "1h-", "1h, 2m", "1e3s", "½h", "9" * 400 + "s"])
def test_what_is_not_a_length(text: str) -> None:
    assert parse_seconds(text) is None
    with pytest.raises(ValueError, match="is not a length of a bucket such as 15m, 1h"):
        parse_bucket(text)


def test_months() -> None:
    assert parse_bucket("1 month") == parse_bucket("1mo") == "1 months"
    assert parse_bucket("2 quarters") == "6 months"


def recording(path: Path, starts_at: list[datetime]) -> Path:
    """A session with one answered call of ten minutes at each of these moments (UTC)."""
    rows = []
    for number, begin in enumerate(starts_at):
        for after_min, kind, state in (
            (0, "ChannelCreated", "Ring"),
            (0, "ChannelStateChange", "Up"),
            (10, "ChannelDestroyed", "Up"),
        ):
            at = begin + timedelta(minutes=after_min)
            event = {
                "type": kind,
                "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000+0000",
                "application": "a",
                "channel": {
                    "id": f"{number}.1",
                    "name": f"PJSIP/1001-{number:08x}",
                    "state": state,
                    "creationtime": f"{begin:%Y-%m-%dT%H:%M:%S}.000+0000",
                },
                **({"cause": 16, "cause_txt": "Normal Clearing"} if kind == "ChannelDestroyed" else {}),
            }
            rows.append((int(at.replace(tzinfo=UTC).timestamp()) * S, orjson.dumps(event).decode()))
    started_ns = rows[0][0]
    with_journal = JournalWriter(journal_path(path), started_ns, {"verb": "import"})
    with_journal.write((t_ns, t_ns - started_ns, "event", frame) for t_ns, frame in rows)
    with_journal.close()
    seal(journal_path(path), path)
    return path


@pytest.fixture(scope="module")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call in every hour from noon of 24 October 2026 in Prague, 48 of them: clocks go back in between."""
    begin = datetime(2026, 10, 24, 10, 5)
    return recording(tmp_path_factory.mktemp("autumn") / "s.parquet", [begin + timedelta(hours=n) for n in range(48)])


@pytest.mark.slow
def test_kpis_of_days(autumn: Path) -> None:
    """The day that has 25 hours is one bucket, and its hours are 25; in UTC the days are others."""
    session = arirecord.open_session(autumn, timezone="europe/prague")
    days = session.kpis(bucket="1d")
    hours = session.kpis(bucket="1h")

    assert session.timezone == "Europe/Prague"
    assert days["bucket_at"].to_list() == [utc("2026-10-23 22:00"), utc("2026-10-24 22:00"), utc("2026-10-25 23:00")]
    assert days["call_count"].to_list() == [12, 25, 11]
    assert days["erlangs"][1] == pytest.approx(25 * 10 / 60 / 25)
    assert hours["call_count"].to_list() == [1] * 48
    assert set(session.kpis(bucket="1d", timezone="UTC")["bucket_at"].dt.hour()) == {0}


@pytest.mark.slow
def test_busy_hours_of_days(autumn: Path) -> None:
    """Each busy hour begins in its bucket."""
    days = arirecord.open_session(autumn).kpis(bucket="1d", timezone="Europe/Prague")

    for begin, busy in zip(days["bucket_at"], days["busy_hour_at"], strict=True):
        assert begin <= busy < begin + timedelta(hours=25)


def test_spring(tmp_path: Path) -> None:
    """The day that has 23 hours is one bucket."""
    begin = datetime(2026, 3, 28, 11, 5)
    session = arirecord.open_session(recording(tmp_path / "s.parquet", [begin + timedelta(hours=n) for n in range(48)]))
    days = session.kpis(bucket="1d", timezone="Europe/Prague")

    assert days["bucket_at"].to_list() == [utc("2026-03-27 23:00"), utc("2026-03-28 23:00"), utc("2026-03-29 22:00")]
    assert days["call_count"].to_list() == [12, 23, 13]


@pytest.mark.slow
@pytest.mark.parametrize("bucket", ["5m", "1h", "4h", "1d"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Prague"])
def test_concurrency_of_buckets(autumn: Path, bucket: str, zone: str) -> None:
    """A row for each bucket of the recording, also without a call; the most and the mean number of calls in it."""
    session = arirecord.open_session(autumn, timezone=zone)
    found = session.concurrency(bucket=bucket).sort("changed_at")
    curve = session.concurrency().sort("changed_at")
    begin, end = curve["changed_at"][0], curve["changed_at"][-1]
    kpis = session.kpis(bucket=bucket).sort("bucket_at")
    traffic = dict(zip(kpis["bucket_at"], kpis["erlangs"], strict=True))

    assert curve["open_mean"].to_list() == curve["open_count"].to_list()
    expected = session.sql(
        f"SELECT unnest(bucket_starts(INTERVAL '{parse_bucket(bucket)}', TIMESTAMP '{begin}', TIMESTAMP '{end}'))"
    )
    assert found["changed_at"].to_list() == expected.to_series().to_list()
    assert found["up_mean"].to_list() == pytest.approx([traffic.get(at, 0) for at in found["changed_at"]], abs=1e-9)
    assert found["up_count"].max() == 1
    assert found["up_count"].min() == (0 if bucket == "5m" else 1)
    assert all(found["open_count"] >= found["open_mean"])
    assert session.concurrency(bucket=timedelta(hours=1)).equals(session.concurrency(bucket="1h"))


def test_concurrency_of_buckets_and_groups() -> None:
    """A row for each bucket and group; the most calls of a bucket are those of the changes in it."""
    session = arirecord.open_session(Path(__file__).parents[2] / "sample_data" / "peak_load.parquet")
    found = session.concurrency(bucket="10s", by="endpoint")
    whole = session.concurrency(bucket="10s")
    curve = session.concurrency()

    assert found.height == whole.height * found["group_value"].n_unique()
    assert whole["open_count"].max() == curve["open_count"].max()
    inside = curve.filter(curve["changed_at"] >= whole["changed_at"][1])
    for at, most in zip(whole["changed_at"], whole["open_count"], strict=True):
        changes = inside.filter(inside["changed_at"].is_between(at, at + timedelta(seconds=10), closed="left"))
        assert most >= max(changes["open_count"], default=0)


@pytest.mark.slow
def test_a_bucket_in_a_gap_is_not_there(tmp_path: Path) -> None:
    """Two recordings of a folder: of the hours between them nothing is known."""
    for day in (20, 21):
        recording(tmp_path / f"{day}.parquet", [datetime(2026, 11, day, 10, 5), datetime(2026, 11, day, 11, 5)])
    hours = arirecord.open_session(tmp_path).concurrency(bucket="1h").sort("changed_at")["changed_at"]

    assert [f"{at:%d %H}" for at in hours] == ["20 10", "20 11", "21 10", "21 11"]
