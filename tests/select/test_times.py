"""Times as people type them, and what they select."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.select.times import (
    Position,
    RecordingSpan,
    Time,
    Window,
    is_in,
    parse_time,
    select_stretch,
    select_windows,
)
from arirecord.select.zones import find_zone, zone_name

S = 10**9
PRAGUE = ZoneInfo("Europe/Prague")


class Row(NamedTuple):
    t_ns: int
    seq: int


def ns(text: str) -> int:
    """A moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def recorded(begin: str, end: str, zone: str = "UTC") -> RecordingSpan:
    rows = {10: Position(ns(begin) + 5 * S, 10)}
    return RecordingSpan(ns(begin), ns(end), find_zone(zone), rows.get)


def typed(text: str | None) -> Time | None:
    return None if text is None else parse_time(text)


def windows(recording: RecordingSpan, since: str | None, until: str | None) -> list[str]:
    """The windows as local times; days of a recording are before and after it too."""

    def shown(place: Position | None) -> str:
        return f"{datetime.fromtimestamp(place.ns // S, recording.zone):%d %H:%M:%S}" if place else ""

    found = select_windows(typed(since), typed(until), recording)
    return [f"{shown(window.begin)} – {shown(window.end)}" for window in found]


WEEKEND = recorded("2026-11-20 10:00:00", "2026-11-22 12:00:00")
EVENING = recorded("2026-11-23 22:59:13", "2026-11-23 23:01:06")


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        # A time of day: that part of each day.
        ("14:00", "15:00", [f"{day} 14:00:00 – {day} 15:00:00" for day in (19, 20, 21, 22, 23)]),
        ("22:00", "06:00", [f"{day} 22:00:00 – {day + 1} 06:00:00" for day in (19, 20, 21, 22, 23)]),
        ("14:00", None, [f"{day} 14:00:00 – {day + 1} 00:00:00" for day in (19, 20, 21, 22, 23)]),
        (None, "15:00", [f"{day} 00:00:00 – {day} 15:00:00" for day in (19, 20, 21, 22, 23)]),
        ("9:00", "24:00", [f"{day} 09:00:00 – {day + 1} 00:00:00" for day in (19, 20, 21, 22, 23)]),
        ("00:00", None, ["19 00:00:00 – 24 00:00:00"]),
        # In another zone than that of the recording.
        ("14:00+02:00", "13:00Z", [f"{day} 12:00:00 – {day} 13:00:00" for day in (19, 20, 21, 22, 23)]),
        # Other times limit the whole.
        ("2026-11-21", "15:00", [f"{day} 00:00:00 – {day} 15:00:00" for day in (21, 22, 23)]),
        (
            "14:00",
            "2026-11-21T14:30",
            ["19 14:00:00 – 20 00:00:00", "20 14:00:00 – 21 00:00:00", "21 14:00:00 – 21 14:30:00"],
        ),
        ("+26h", "13:00", ["21 12:00:00 – 21 13:00:00", "22 00:00:00 – 22 13:00:00", "23 00:00:00 – 23 13:00:00"]),
        ("2026-11-25", "09:00", []),
        # Without a time of day there is one window.
        ("+5m", "+1h30m", ["20 10:05:00 – 20 11:30:00"]),
        ("seq:10", None, ["20 10:00:05 – "]),
        (None, "2026-11-21T10:00+01:00", [" – 21 09:00:00"]),
        (None, None, [" – "]),
    ],
)  # fmt: skip
def test_windows(since: str | None, until: str | None, expected: list[str]) -> None:
    assert windows(WEEKEND, since, until) == expected


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 2), ("2026-10-25", 4), ("2026-06-01", 3)])
def test_clocks_that_are_changed(day: str, hours: int) -> None:
    """From one to four o'clock are two, three or four hours, as clocks show them."""
    recording = recorded(f"{day} 00:00:00", f"{day} 12:00:00", "Europe/Prague")
    found = select_windows(typed("01:00"), typed("04:00"), recording)
    lengths = {(window.end.ns - window.begin.ns) // (3600 * S) for window in found if window.begin and window.end}

    assert lengths == {3, hours}


@pytest.mark.parametrize(
    ("since", "until", "spring_h", "autumn_h"),
    [("02:00", "03:00", 0, 2), ("02:30", "03:00", 0, 1.5), ("02:15", "02:45", 0, 1.5), ("02:30", "02:00", 23, 25)],
)
def test_windows_between_changed_clocks(since: str, until: str, spring_h: float, autumn_h: float) -> None:
    """A window that clocks leave out is empty, and one around them is one day, not two."""
    for day, expected_h in (("2026-03-29", spring_h), ("2026-10-25", autumn_h)):
        recording = recorded(f"{day} 00:00:00", f"{day} 20:00:00", "Europe/Prague")
        is_inside = is_in(select_windows(typed(since), typed(until), recording))
        midnight = datetime.combine(date.fromisoformat(day), time(), PRAGUE)
        begin_s, end_s = (int((midnight + timedelta(days=n)).timestamp()) for n in (0, 1))
        quarters = [is_inside(Row(at * S, 0)) for at in range(begin_s, end_s, 900)]
        assert sum(quarters) / 4 == expected_h


@given(st.datetimes(datetime(2026, 11, 20, 10), datetime(2026, 11, 22, 12)), st.times(), st.times(), st.booleans())
def test_a_row_is_in_a_window_if_its_clock_is(moment: datetime, since: time, until: time, is_prague: bool) -> None:
    """Whatever the day: the time of day alone decides."""
    zone = PRAGUE if is_prague else UTC
    since, until = since.replace(microsecond=0), until.replace(microsecond=0)
    at = moment.replace(microsecond=0, tzinfo=UTC)
    shown = at.astimezone(zone).time()
    expected = since <= shown < until if since < until else shown >= since or shown < until
    recording = RecordingSpan(WEEKEND.begin_ns, WEEKEND.end_ns, zone)

    assert (
        is_in(select_windows(typed(f"{since}"), typed(f"{until}"), recording))(Row(ns(f"{moment:%F %T}"), 0))
        == expected
    )


def test_rows_of_one_instant() -> None:
    """A row is told from others of its instant."""
    at_ns = WEEKEND.begin_ns + 5 * S
    since = select_windows(typed("seq:10"), None, WEEKEND)
    until = select_windows(None, typed("seq:10"), WEEKEND)

    assert [is_in(since)(Row(at_ns, seq)) for seq in (9, 10, 11)] == [False, True, True]
    assert [is_in(until)(Row(at_ns, seq)) for seq in (9, 10, 11)] == [True, False, False]
    assert not is_in([])(Row(at_ns, 1))


@pytest.mark.parametrize(
    ("recording", "since", "until", "expected"),
    [
        (EVENING, "23:00", None, "23:00:00 – "),
        (EVENING, "22:00", None, "22:59:13 – "),
        (EVENING, "00:00:02", None, "22:59:13 – "),
        (EVENING, "+2s", "23:00", "22:59:15 – 23:00:00"),
        (EVENING, None, "23:30", " – "),
        (recorded("2026-11-23 22:00:00", "2026-11-24 02:00:00"), "23:30", "00:30", "23:30:00 – 00:30:00"),
        (recorded("2026-11-23 22:00:00", "2026-11-24 02:00:00"), "00:30", None, "00:30:00 – "),
        (WEEKEND, "14:00+01:00", "15:00", "different days"),
        (WEEKEND, "2026-11-21T14:00", "15:00", "14:00:00 – 15:00:00"),
    ],
)
def test_one_stretch(recording: RecordingSpan, since: str | None, until: str | None, expected: str) -> None:
    """For a replay: the time of day that the recording contains."""

    def shown(place: Position | None) -> str:
        return f"{datetime.fromtimestamp(place.ns // S, UTC):%H:%M:%S}" if place else ""

    try:
        begin, end = select_stretch(typed(since), typed(until), recording)
    except ValueError as error:
        assert expected == "different days"
        assert (
            str(error) == "14:00+01:00 is in the recording on 2 days; write 2026-11-20T13:00:00 or 2026-11-21T13:00:00"
        )
    else:
        assert f"{shown(begin)} – {shown(end)}" == expected


RUNS = "The recording runs from 2026-11-23 22:59:13 to 23:01:06 (UTC)."


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("23:30", None, f"23:30 is not in the recording. {RUNS}"),
        (None, "00:00:02", f"00:00:02 is not in the recording after its start. {RUNS} From its start: +2s."),
        ("seq:11", None, "the recording has no row with seq:11"),
    ],
)
def test_what_the_recording_does_not_have(since: str | None, until: str | None, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        select_stretch(typed(since), typed(until), EVENING)
    assert words in str(raised.value)


FORMS = "+5m (from the start), 14:03:10 (time of day), 2026-11-23T14:03:10 or seq:1234"
NONE = ("", "noon", "5m", "-5m", "25:00", "14:60", "+5x", "seq:-1", "2026-11-31", "1e5", "9" * 400, "+999999999w")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2", "'2' has no unit; write +2s (from the start), 02:00 (time of day) or seq:2"),
        ("300", "'300' has no unit; write +300s (from the start) or seq:300"),
        ("+90", "'+90' has no unit; write +90s (from the start) or seq:90"),
        *((text, f"is not a time such as {FORMS}") for text in NONE),
    ],
)
def test_what_is_not_a_time(text: str, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_time(text)
    assert words in str(raised.value)


@given(st.datetimes(), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_forms(moment: datetime, duration: timedelta) -> None:
    """Absolute times and durations are read as they are written; a missing zone is that of the verb."""
    assert parse_time(moment.isoformat()).value == moment
    assert parse_time(str(moment)).value == moment
    whole_ms = duration // timedelta(milliseconds=1)
    assert parse_time(f"+{whole_ms}ms").value == timedelta(milliseconds=whole_ms)
    assert parse_time(f" {moment:%H:%M:%S.%f} ").value == moment.time()
    assert isinstance(parse_time(f"{moment:%H:%M}").value, time)


def test_far_away() -> None:
    """Times thousands of years away limit nothing, and are no error."""
    window = Window(Position(-(10**30)), Position(10**30))

    assert [at.year if at else 0 for at in window.times()] == [266, 3673]


def test_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert zone_name("europe/PRAGUE") == "Europe/Prague"
    assert find_zone("utc") is UTC
    monkeypatch.setenv("TZ", ":Asia/Kolkata")
    assert zone_name("local") == "Asia/Kolkata"
    for unknown in ("localtime", "", "Prague/Europe", "CET-1CEST", "../../etc/passwd"):
        with pytest.raises(ValueError, match="is not a time zone"):
            zone_name(unknown)
    with pytest.raises(ValueError, match="Did you mean 'Europe/Prague'"):
        zone_name("prague")
