"""Whatever the story, it can be drawn in every form, and nothing of it is lost."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from rich.cells import cell_len

from arirecord.report.build_story import story
from arirecord.report.fold_lanes import fold
from arirecord.report.ladder_html import ladder_html
from arirecord.report.ladder_mermaid import ladder_mermaid
from arirecord.report.ladder_svg import ladder_svg
from arirecord.report.ladder_text import ladder_text
from arirecord.report.story import Story, sentence
from tests.conftest import streams
from tests.examples import examples

from .conftest import Connections, Tell
from .frames import Row, about, begun, channel, entered, event, finished, left
from .stories import stories

GOLDEN = Path(__file__).parent / "golden"
CALLS = {
    "attended_transfer": ("attended_transfer/all", "1795474818.125"),
    "busy": ("busy_noanswer_cancel/all", "1795474728.33"),
    "hold": ("hold_unhold/all", "1795474871.157"),
    "ivr": ("ivr_dtmf/all", "1795474681.4"),
    "parking": ("attended_transfer/all", "1795474856.152"),
}
"""Calls whose ladders are kept in `golden/`; `python -m tests.report.golden` draws them anew, for `git diff`."""


def letters(text: str) -> str:
    """What is left of a text however it was wrapped and cleaned: its letters and digits in order."""
    return "".join(re.findall(r"[^\W_]", text))


@pytest.mark.slow
@examples(60)
@given(stories())
def test_any_story_can_be_drawn(told: Story) -> None:
    """The text has every moment and fits; SVG and page are well-formed; Mermaid has a line for each moment."""
    text = ladder_text(told, width=90)
    assert all(cell_len(line) <= 90 for line in text.splitlines())
    said = letters("".join(line[11 + 9 * len(told.lanes) :] for line in text.splitlines()) + text)
    for moment in told.moments:
        assert letters(moment.what) in said

    ET.fromstring(ladder_svg(told))
    Balanced().feed(ladder_html(told))

    first, *lines = ladder_mermaid(told).splitlines()
    assert first == "sequenceDiagram"
    assert len(lines) >= len(told.moments) + len(told.lanes) + 2
    assert all(MERMAID.fullmatch(line) for line in lines), lines


MERMAID = re.compile(
    r"    (accTitle: .+|accDescr: .+|participant p\d+ as .+|Note over p\d+(,p\d+)?: .+|p\d+(->>|-->>|--x)p\d+: .+)"
)


class Balanced(HTMLParser):
    """Fails where a tag closes that is not the last one opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.slow
@examples(40)
@given(stories(max_lanes=12))
def test_folding_loses_no_moment(told: Story) -> None:
    """Counts add up, and what is not folded stays as it was."""
    folded = fold(told, 4)

    assert len(folded.lanes) <= 4
    assert sum(moment.count for moment in folded.moments) == len(told.moments)
    assert sum(lane.count for lane in folded.lanes) == len(told.lanes)
    known = {lane.channel_id for lane in told.lanes}
    assert all(i in known or folded.lane_of(i) is None for i in (m.channel_id for m in folded.moments) if i)
    assert fold(told, 12) is told
    ladder_text(told, max_lanes=4)


@pytest.mark.slow
def test_a_conference_of_a_hundred_fits_on_a_page(tell: Tell) -> None:
    """One lane stands for all who only came and went; who held stays."""
    rows: list[Row] = []
    names = [f"9{n:03}" for n in range(100)]
    for n, name in enumerate(names):
        rows += [about(n, "ChannelCreated", name, "Ring"), about(n + 0.1, "ChannelStateChange", name, "Up")]
        rows.append(entered(n + 0.2, name, names[: n + 1], name="room"))
    rows += [about(110, "ChannelHold", "9050"), about(120, "ChannelUnhold", "9050")]
    for n, name in enumerate(names):
        rows += [left(200 + n, name, names[n + 1 :], name="room"), about(200.1 + n, "ChannelDestroyed", name, cause=16)]
    told = tell(rows)
    text = ladder_text(told)

    assert len(told.lanes) == 100
    assert text.count("\n") < 130
    assert "+96 enters bridge 1 (×" in text
    assert re.search(r"^    110\.000|^ +1:50\.000 .* holds", text, re.MULTILINE)
    assert len(ladder_svg(told)) < 150_000


def test_a_phone_number_stands_in_one_line(tell: Tell) -> None:
    """The lane of a caller abroad is as wide as the number; a long endpoint's name is still wrapped."""
    rows: list[Row] = []
    for n, name in enumerate(("+420123456789", "1001")):
        rows += [about(n, "ChannelCreated", name, "Ring"), about(n + 1, "ChannelDestroyed", name, cause=16)]
    svg = ladder_svg(tell(rows))

    assert ">+420123456789</text>" in svg


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_ladders_are_as_they_were(name: str, connections: Connections) -> None:
    """Letter by letter."""
    stream, call_id = CALLS[name]
    told = story(connections[stream], call_id)

    assert ladder_text(told) == (GOLDEN / f"{name}.txt").read_text()
    assert ladder_mermaid(told) == (GOLDEN / f"{name}.mmd").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("stream", streams())
def test_every_recorded_call_has_a_story(stream: str, connections: Connections) -> None:
    """In every form, with a sentence for each moment; at most 40 calls of a long recording."""
    connection = connections[stream]
    calls = [call_id for (call_id,) in connection.execute("SELECT call_id FROM calls ORDER BY first_seq").fetchall()]
    for call_id in calls[:: len(calls) // 40 + 1]:
        told = story(connection, call_id)
        text = ladder_text(told)
        assert told.lanes
        assert told.moments
        assert all(cell_len(line) <= 100 for line in text.splitlines())
        assert all(letters(sentence(told, moment)) for moment in told.moments)
        ET.fromstring(ladder_svg(told))
        assert ladder_mermaid(told).count("\n") > len(told.moments)


@pytest.mark.slow
def test_details_add_and_take_nothing_away(connections: Connections) -> None:
    """All moments of the short story are in the long one."""
    connection = connections["hold_unhold/all"]
    short = story(connection, "1795474868.155")
    long = story(connection, "1795474868.155", details=True)

    assert set(short.moments) < set(long.moments)


def variable(number: int, name: str = "1001") -> Row:
    fields = {"variable": f"V{number}", "value": "x", "channel": channel(name)}
    return event(3 + number / 1e6, "ChannelVarset", **fields)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "lines"), [(10, 10), (11, 1), (20_000, 1)])
def test_many_variables_are_one_step(count: int, lines: int, tell: Tell) -> None:
    """More than ten in a row, so that a call with 20,000 is read as fast as another; a marked one stays."""
    rows = [*begun(), *map(variable, range(count)), *finished()]
    told = tell(rows)
    shown = [sentence(told, moment) for moment in told.moments if moment.kind == "variable"]

    assert len(shown) == lines
    assert lines > 1 or shown == [f"A gets {count:,} variables"]
    assert len(ladder_text(told).splitlines()) < 60


def test_a_mark_and_a_gap_are_in_the_story(tell: Tell) -> None:
    """They are rows, but no events."""
    mark: Row = (int(3e9), "mark", {"type": "mark", "mark_text": "line went dead", "mark_by": "night shift"})
    text = ladder_text(tell([*begun(), mark, *finished()]))

    assert "night shift notes: line went dead" in text


@pytest.mark.slow
def test_a_transfer_that_joins_two_calls_is_in_both(connections: Connections) -> None:
    """Recorded linkedids keep them apart; who transfers is named in the one that it is not in."""
    connection = connections["linkedid_attended_transfer/all"]
    one, two = (story(connection, call_id) for call_id in ("1795476212.19", "1795476213.21"))
    told = [[sentence(s, m) for m in s.moments if m.kind == "transfer"] for s in (one, two)]

    assert told[0] == ["A transfers (attended) B: to 1003, Success, answered by 1003"]
    assert told[1] == ["PJSIP/u1001-0000000d transfers (attended): to 1003, Success, answered by 1003"]
