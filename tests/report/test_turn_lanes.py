"""Turns of voice agents in the story of a call: lanes, and what was measured of each turn."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

import arirecord
from arirecord.analytics import connect
from arirecord.report.build_story import story
from arirecord.report.ladder_html import ladder_html
from arirecord.report.ladder_text import ladder_text
from tests.analytics.test_cases import frames_of, record

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "sample_data" / "voice_agent.parquet"
CASES = Path(__file__).parents[1] / "analytics" / "cases" / "turns"


def text_of(session: Path, number: int = 0) -> str:
    """The story of a call of a session, from its turns on."""
    con = connect(session)
    call_id = con.execute("SELECT call_id FROM calls ORDER BY call_id").fetchall()[number][0]
    return ladder_text(story(con, call_id)).partition("\nTurns\n")[2].partition("\n\n")[0]


def test_a_bot_that_is_interrupted_and_hands_over() -> None:
    """Each speaker has a lane, and each turn its latency, interruption and time to yield."""
    lines = text_of(SAMPLE).splitlines()
    bars = {line.split()[0]: line for line in lines[:3]}

    assert list(bars) == ["caller", "agent", "human"]
    assert bars["human"].index("▄") > bars["agent"].rindex("▄")
    assert [line.split("  ")[-1] for line in lines[3:] if " agent " in line] == [
        "answers after 0.359 s",
        "answers after 0.731 s",
        "answers after 1.229 s",
        "is interrupted by the caller, is silent after 0.231 s",
        "answers after 0.412 s",
    ]


def test_a_bot_that_sends_nothing_in_its_pauses() -> None:
    """Its turn has no end, and the reason stands beside each turn that is not known."""
    lines = text_of(SAMPLE, 1).splitlines()

    assert "?" in lines[1]
    assert [line.rpartition("partly unknown: ")[2] for line in lines[3:]] == ["no silence"] * 4


def test_pictures_have_the_same_turns() -> None:
    """The page of a call has a table of its turns, and a lane for each speaker, as the plot has."""
    session = arirecord.open_session(SAMPLE)
    call_id = min(session.calls()["call_id"])
    page = ladder_html(session.call(call_id).story)
    svg = ElementTree.fromstring(session.call(call_id).svg())
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    plotted = [text for lane in session.plot.turns(call_id).data for text in lane.text if text]

    assert page.count("answers after") == 2 * 5
    assert [text for text in texts if text in ("caller", "agent", "human")] == ["caller", "agent", "human"]
    assert [text for text in texts if text in ("0.36", "0.73", "1.23", "0.41", "0.40")] == [
        "0.36", "0.73", "1.23", "0.41", "0.40",
    ]  # fmt: skip
    assert sorted(plotted) == ["0.36 s", "0.40 s", "0.41 s", "0.73 s", "1.23 s"]


def test_a_turn_without_an_end_is_thin() -> None:
    """And a plot leaves it out."""
    session = arirecord.open_session(SAMPLE)
    call_id = max(session.calls()["call_id"])

    assert "to ?: " in session.call(call_id).svg()
    assert [lane.name for lane in session.plot.turns(call_id).data] == ["caller"]


def test_a_call_without_speech_of_the_caller_has_no_turns(tmp_path: Path) -> None:
    """Prompts of a menu are not a conversation."""
    silent = record(frames_of(CASES / "talk_detection_on_the_agent_only"), tmp_path / "silent.parquet")

    assert text_of(silent) == ""
