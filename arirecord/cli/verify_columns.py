"""The recorded and the new course of a call side by side, and the place in its ladder where they part."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arirecord.replay.verify import Compared

__all__ = ["ladder_row", "two_columns"]


def two_columns(course: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Lines of two columns; between them `<` for a request that is only recorded, `>` a new one, `|` another one."""
    column = max(20, (width - 3) // 2)
    yield f"{'recorded':{column}}   now"
    for recorded, now in course:
        mark = " " if recorded == now else "|" if recorded and now else "<" if recorded else ">"
        yield f"{_cut(recorded, column):{column}} {mark} {_cut(now, column)}".rstrip()


def ladder_row(session: Path, call: "Compared") -> str:
    """The row of the recorded call's ladder at which the course parts; empty without one."""
    from arirecord.errors import NoSuchCall
    from arirecord.report.build_story import story
    from arirecord.report.ladder_layout import offset_s, offset_text

    seq = next((hunk.seq for hunk in call.hunks), -1)
    if seq < 0 or not call.call.channel_id:
        return ""
    try:
        call_story = story(session, call.call.channel_id, details=True, seq=seq)
    except NoSuchCall:
        return ""
    step = next((step for step in call_story.moments if step.seq == seq), None)
    if step is None:
        return ""
    return f"{offset_text(offset_s(call_story, step.at))} s, {step.actor or ''} {step.what}".strip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
