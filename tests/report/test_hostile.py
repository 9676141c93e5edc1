"""Frames that are not what ARI promises are told all the same."""

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.report.build_story import tell
from arirecord.report.call_data import Event, Facts
from arirecord.report.ladder_text import ladder_text
from tests.examples import examples

FRAMES = [orjson.loads(line) for line in (Path(__file__).parents[1] / "frames.jsonl").read_bytes().splitlines()]
START = datetime(2026, 1, 2, 3, 4, 5)
JUNK: st.SearchStrategy[Any] = (
    st.none() | st.text(max_size=4) | st.integers(-1, 2**70) | st.sampled_from([[], {}, [{"id": 3}], {"id": []}])
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A real frame in which up to three values, at any depth, are something else or gone."""
    frame: dict[str, Any] = orjson.loads(orjson.dumps(draw(st.sampled_from(FRAMES))))
    for _ in range(draw(st.integers(0, 3))):
        inside = frame
        keys = [key for key in inside if key != "type"]
        while keys:
            key = draw(st.sampled_from(keys))
            if isinstance(inside[key], dict) and inside[key] and draw(st.booleans()):
                inside, keys = inside[key], list(inside[key])
                continue
            inside[key] = draw(JUNK)
            break
    return frame


NAMES = """setup_s hold_s answered_at ended_at duration_s caller_number caller_name dialled_exten called_number
    talk_s disposition
    hangup_cause hangup_cause_txt ended_by ended_by_channel_id first_channel_id"""
CALL: dict[str, Any] = dict.fromkeys(NAMES.split()) | {
    "call_id": "c", "started_at": START, "channel_count": 0, "leg_count": 0, "transfer_count": 0, "is_complete": False,
    "first_seq": 0, "last_seq": 99,
}  # fmt: skip


@pytest.mark.slow
@examples(150)
@given(st.lists(damaged(), max_size=6), st.booleans())
def test_any_frames_make_a_story(frames: list[dict[str, Any]], details: bool) -> None:
    """As many moments as frames that say something."""
    events = [Event(seq, START, "event", frame["type"], frame) for seq, frame in enumerate(frames)]
    told = tell(Facts(CALL, [], [], [], [], [], [], [], [], [], [], events, START, "UTC"), details=details)

    assert len(told.moments) == len(events) or not details
    assert ladder_text(told)
