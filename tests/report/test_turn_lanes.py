"""Turns of voice agents in the story of a call: lanes, and what was measured of each turn."""

from pathlib import Path

import pytest

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


def test_the_page_has_the_same_turns() -> None:
    """The page of a call has a table of its turns."""
    con = connect(SAMPLE)
    ((call_id,), *_) = con.execute("SELECT call_id FROM calls ORDER BY call_id").fetchall()
    page = ladder_html(story(con, call_id))

    assert "<summary>Turns as lanes</summary>" in page
    assert page.count("answers after") == 5


def test_a_call_without_speech_of_the_caller_has_no_turns(tmp_path: Path) -> None:
    """Prompts of a menu are not a conversation."""
    silent = record(frames_of(CASES / "talk_detection_on_the_agent_only"), tmp_path / "silent.parquet")

    assert text_of(silent) == ""
