"""Speech as talk detection reports it, held against when the audio was sent: `voice/<recording>/truth.json`.

The recordings are of Asterisk 22, at 8 kHz. The truth has the sentences of each channel in seconds, from the first to
the last packet with speech. Talk detection divides them at pauses of 200 ms; the longest pause in a sentence is 0.5 s.
"""

from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from .test_cases import frames_of, given

RECORDINGS = sorted((Path(__file__).parent / "voice").iterdir())
TOLERANCE_S = 0.06
PAUSE_S = 0.5
INTERVALS = """
SELECT
    epoch(started_at - TIMESTAMP '2026-01-01 10:00:00'), epoch(ended_at - TIMESTAMP '2026-01-01 10:00:00'),
    unknown_reason
FROM talk_intervals WHERE channel_id = ? ORDER BY seq
"""
TALK = "SELECT spoken_s IS NOT NULL, unknown_count FROM talk WHERE channel_id = ?"


@pytest.mark.slow
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_known_ends_are_those_of_the_audio(recording: Path, tmp_path: Path) -> None:
    """An interval with an end is one of the sentences; a channel's speech is all of it, or not known."""
    con = given(frames_of(recording), tmp_path / "session.parquet", "talk_intervals", "talk")
    for channel_id, sentences in orjson.loads((recording / "truth.json").read_bytes()).items():
        rows = con.execute(INTERVALS, [channel_id]).fetchall()
        known = [(start, end) for start, end, reason in rows if reason is None]
        ((is_spoken, unknown_count),) = con.execute(TALK, [channel_id]).fetchall()

        assert all((end is None) == (reason is not None) for _, end, reason in rows)
        assert unknown_count == len(rows) - len(known)
        assert is_spoken == (unknown_count == 0)
        assert known == [] or joined(known) == [pytest.approx(sentence, abs=TOLERANCE_S) for sentence in sentences]


def joined(intervals: list[tuple[float, float]]) -> list[list[float]]:
    """Return the intervals, those with a pause of at most `PAUSE_S` between them as one."""
    cuts = [0, *(n for n, ((_, end), (start, _)) in enumerate(pairwise(intervals), 1) if start - end > PAUSE_S)]
    parts = [intervals[begin:stop] for begin, stop in zip(cuts, [*cuts[1:], len(intervals)], strict=True)]
    return [[part[0][0], part[-1][1]] for part in parts]
