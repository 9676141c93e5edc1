"""Plots and calls as people ask for them in Python."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

import arirecord
from arirecord.report import story
from arirecord.report.plots import LENGTHS
from tests.analytics.test_models import make

from .conftest import recorded
from .frames import about, ended

SAMPLES = Path(__file__).parents[2] / "sample_data"
PLOTS = ("concurrency", "calls", "dispositions", "causes", "lengths", "digits", "event_volume", "kpis")
FLOWS = ("transfers", "ivr_paths")


@pytest.fixture(scope="module")
def busy() -> arirecord.Session:
    return arirecord.open_session(SAMPLES / "peak_load.parquet")


@pytest.mark.parametrize("name", [*PLOTS, *FLOWS])
def test_an_empty_session_says_so(name: str, tmp_path: Path) -> None:
    """Nothing recorded, nothing raised: the figure says that there is nothing."""
    session = arirecord.open_session(make(tmp_path / "empty.parquet", []))
    figure = getattr(session.plot, name)()
    assert "no data in this recording" in figure.layout.annotations[-1].text
    assert json.loads(figure.to_json())["layout"]["title"]


@pytest.mark.slow
def test_figures_agree_with_the_tables(busy: arirecord.Session) -> None:
    """What is drawn adds up to what the tables say."""
    calls = busy.calls()
    over_time = busy.plot.calls()
    assert sum(sum(bars.y) for bars in over_time.data) == calls.height
    by = dict(calls["disposition"].value_counts().iter_rows())
    assert {
        name: count for bars in busy.plot.dispositions().data for name, count in zip(bars.y, bars.x, strict=True)
    } == by
    assert {bars.name: sum(bars.y) for bars in over_time.data} == by
    assert max(busy.plot.concurrency().data[0].y) == busy.concurrency()["open_count"].max()
    assert sum(busy.plot.causes().data[0].x) <= calls.height
    share = busy.plot.lengths("talk_s").data[0].y
    assert 98 < sum(share) <= 100.001
    links = busy.plot.transfers().data[0].link
    assert sum(links.value) == 2 * busy.transfers().height


@pytest.mark.slow
@pytest.mark.parametrize("name", ["concurrency", "calls", "kpis"])
def test_times_are_those_of_the_zone(busy: arirecord.Session, name: str) -> None:
    """Plots over time show clocks of the session's time zone."""
    kolkata = arirecord.open_session(busy.path, timezone="Asia/Kolkata")
    first, shown = (min(getattr(session.plot, name)().data[0].x) for session in (busy, kolkata))

    assert shown - first == timedelta(hours=5, minutes=30)


@pytest.mark.slow
def test_nothing_is_drawn_over_a_gap() -> None:
    """Between the days of a week the line breaks, and the area below it, which plotly does not break, is at zero."""
    week = arirecord.open_session(SAMPLES / "week", timezone="Asia/Kolkata")
    opened = week.plot.concurrency().data[0]
    gaps = [place for place, count in enumerate(opened.y) if count is None]

    assert len(gaps) == 4
    for place in gaps:
        assert opened.y[place - 1 : place + 2] == (0, None, 0)
        assert opened.x[place + 1] - opened.x[place] > timedelta(hours=20)


@pytest.mark.slow
def test_a_call_has_its_time_in_the_zone(busy: arirecord.Session) -> None:
    """In Python, from the session, or from the argument of `story`."""
    call_id = busy.calls()["call_id"][0]
    kolkata = arirecord.open_session(busy.path, timezone="Asia/Kolkata")
    stories = [kolkata.call(call_id).story, story(busy.path, call_id, timezone="Asia/Kolkata")]
    begin = busy.calls()["started_at"][0] + timedelta(hours=5, minutes=30)

    assert {told.facts["when"][:23] for told in stories} == {begin.isoformat(" ", "milliseconds")}


def test_a_long_curve_keeps_its_peak_and_stays_short(busy: arirecord.Session) -> None:
    """At most a thousand points, whatever the recording."""
    assert busy.concurrency().height > 1000
    assert len(busy.plot.concurrency().data[0].x) <= 1000


def test_digits_are_counted_by_place() -> None:
    """Each digit of each sequence is in the heat map once."""
    session = arirecord.open_session(SAMPLES / "ivr_dtmf.parquet")
    drawn = session.plot.digits().data[0]
    assert sum(count for row in drawn.z for count in row if count) == session.dtmf()["digit_count"].sum()
    first = [row[0] or 0 for row in drawn.z]
    assert sum(first) == session.dtmf().height


def test_a_cause_without_a_text_is_its_number(tmp_path: Path) -> None:
    """Asterisk always writes a text, other programs may not. The number names a bar, it is no place on an axis."""
    rows = [about(0, "ChannelCreated", "1001", "Ring"), ended(1, "1001", 38, "")]
    session = arirecord.open_session(recorded(rows, tmp_path / "s.parquet"))
    figure = session.plot.causes()

    assert session.calls()["hangup_cause_txt"].to_list() == [None]
    assert (figure.data[0].y, figure.layout.yaxis.type) == (("38",), "category")


def test_lengths_are_columns_of_calls(busy: arirecord.Session) -> None:
    """All that can be asked for is there; anything else is said."""
    assert LENGTHS.keys() <= set(busy.calls().columns)
    with pytest.raises(ValueError, match="'nonsense' is not a duration column"):
        busy.plot.lengths("nonsense")


@pytest.mark.slow
def test_a_call_shows_itself() -> None:
    """By any of its ids; as SVG with its text beside it, also in `session.plot`."""
    session = arirecord.open_session(SAMPLES / "transfers.parquet")
    leg = session.sql("SELECT channel_id, call_id FROM legs WHERE channel_id <> call_id LIMIT 1").row(0)
    call = session.call(leg[0])
    assert call.call_id == session.plot.ladder(leg[1]).call_id == leg[1]
    assert leg[1] in repr(call)
    assert "<svg" in call._repr_html_()
    assert call.text().splitlines()[0].split()[1] == leg[1]
    with pytest.raises(LookupError, match="no call has"):
        session.call("nobody")
    with pytest.raises(LookupError, match="calls fit '1001'"):
        session.call("1001")


def test_a_session_shows_itself(busy: arirecord.Session) -> None:
    """Its header as a table, with nothing that could be taken for markup."""
    assert "117,474" in busy._repr_html_()
    assert "peak_load.parquet" in busy._repr_html_()
