"""The doctor names recordings whose talk detection cannot carry the turns of voice agents."""

from pathlib import Path

import pytest

from arirecord.doctor import examine
from tests.analytics.test_cases import record
from tests.conftest import make_session
from tests.given import frames

AGENTS = Path(__file__).parents[1] / "analytics" / "agents"
SET_UP = """
0.000 a created PJSIP/1001-00000001 Ring 1001 → 7000
0.000 a Up
0.100 m created UnicastRTP/127.0.0.1:35606-0x7f Down
0.100 m Up
"""


def findings(session: Path) -> list[str]:
    return [finding.what for finding in examine(session) if finding.rule == "talk-detection"]


@pytest.mark.parametrize(("recording", "count"), [("audiosocket", 4), ("external_media", 3), ("playback", 0)])
def test_bots_that_send_nothing_in_pauses(recording: str, count: int, tmp_path: Path) -> None:
    """A media leg whose speech has no end is one; a leg with a Snoop on it, or with silence in pauses, is not."""
    words = findings(make_session(AGENTS / recording / "events.jsonl.zst", tmp_path / "session.parquet"))

    assert [f"on {count} of" in text and "end of speech is missing" in text for text in words] == [True] * bool(count)


def test_a_media_leg_without_talk_detection(tmp_path: Path) -> None:
    """No speech is reported on it; with playbacks it only listens."""
    silent = record(frames(SET_UP), tmp_path / "silent.parquet")
    listening = record(frames(f"{SET_UP}1.000 a hears p sound:hello-world\n"), tmp_path / "listening.parquet")

    assert findings(silent) == ["Talk detection cannot carry turns: on 1 of 1 media legs no speech was detected."]
    assert findings(listening) == []


def test_a_long_silence_threshold(tmp_path: Path) -> None:
    """A threshold of 2.5 s hides turns of a voice agent; calls without an agent have no such finding."""
    talk = "1.000 a talks\n4.500 a falls silent 1000\n5.000 m talks\n5.700 m falls silent 500\n"
    agent = record(frames(SET_UP + talk), tmp_path / "agent.parquet")
    people = record(frames((SET_UP + talk).replace("UnicastRTP/", "PJSIP/")), tmp_path / "people.parquet")

    assert findings(agent) == [
        "Talk detection cannot carry turns: on 1 of 2 channels the silence threshold hides turns."
    ]
    assert findings(people) == []
