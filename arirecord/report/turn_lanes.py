"""Turns of voice agents in the story of a call: what was measured of each, and lanes of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .story import SpokenTurn

__all__ = ["SPEAKERS", "lanes_of_turns", "spoken_turns"]

SPEAKERS = ("caller", "agent", "human")
"""Speakers of turns, in the order of their lanes."""


def spoken_turns(rows: Sequence[Mapping[str, Any]]) -> Sequence[SpokenTurn]:
    """Return the turns of a call from rows of `turns`; none if no speech of the caller is known, as in a menu."""
    if all(row["speaker"] != "caller" for row in rows):
        return ()
    return [
        SpokenTurn(row["speaker"], row["started_at"], row["ended_at"], _measured(row), row["latency_s"]) for row in rows
    ]


def _measured(row: Mapping[str, Any]) -> str:
    parts = []
    if row["latency_s"] is not None:
        stages = [f"{name} {row[f'{name}_s']:.3f}" for name in ("stt", "llm", "tts") if row[f"{name}_s"] is not None]
        parts.append(f"answers after {row['latency_s']:.3f} s" + (f" ({', '.join(stages)})" if stages else ""))
    elif row["is_barge_in"]:
        parts.append("interrupts")
    if row["is_dead_air"]:
        parts.append(f"dead air of {row['silence_before_s']:.3f} s before")
    if row["barge_in_by"]:
        silent = f", is silent after {row['yield_s']:.3f} s" if row["yield_s"] is not None else ""
        parts.append(f"is interrupted by the {row['barge_in_by']}{silent}")
    if row["is_unanswered"]:
        parts.append("is not answered")
    if row["hung_up_by"]:
        parts.append(f"hung up by {row['hung_up_by']} meanwhile")
    if row["unknown_reason"]:
        parts.append(f"partly unknown: {row['unknown_reason']}")
    return "; ".join(parts)


def lanes_of_turns(turns: Sequence[SpokenTurn], cells: int) -> Iterator[tuple[str, str]]:
    """Yield a lane for each speaker: its name and a bar of `cells` characters from the first turn to the last."""
    first = min(turn.started_at for turn in turns)
    last = max(turn.ended_at or turn.started_at for turn in turns)
    cell_s = max((last - first).total_seconds(), 0.001) / cells
    for speaker in SPEAKERS:
        row = [" "] * cells
        for turn in turns:
            if turn.speaker == speaker:
                begin = int((turn.started_at - first).total_seconds() / cell_s)
                end = int(((turn.ended_at or turn.started_at) - first).total_seconds() / cell_s)
                for cell in range(min(begin, cells - 1), min(end, cells - 1) + 1):
                    row[cell] = "▄" if turn.ended_at else "?"
        if any(cell != " " for cell in row):
            yield speaker, "".join(row)
