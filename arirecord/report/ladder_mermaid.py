"""The ladder of a call as a Mermaid sequence diagram: for Markdown, wikis, issues."""

import re

from .fold_lanes import fold
from .ladder_layout import ending, offset_s, offset_text, spent
from .story import LadderStep, Story, sentence

__all__ = ["ladder_mermaid"]

MAX_LANES = 16


def ladder_mermaid(story: Story, *, max_lanes: int = MAX_LANES) -> str:
    """Return the story as the text of one `sequenceDiagram`.

    Arrows are actions of one channel on another, notes are actions of one alone. Talking and holds are noted where they
    end.
    More than `max_lanes` channels are folded (see `fold`).
    """
    story = fold(story, max_lanes)
    lines = ["sequenceDiagram", f"    accTitle: {_text(f'Call {story.call_id}: {story.title}, {story.result}')}"]
    if story.summary:
        lines.append(f"    accDescr: {_text(story.summary)}")
    names = {lane.channel_id: f"p{place}" for place, lane in enumerate(story.lanes)}
    for lane in story.lanes:
        lines.append(f"    participant {names[lane.channel_id]} as {_text(f'{lane.letter} {lane.label}')}")
    if not story.lanes:
        lines.append("    participant p0 as no channels")
    first, last = "p0", f"p{max(len(story.lanes) - 1, 0)}"
    everybody = first if first == last else f"{first},{last}"
    about = "<br/>".join(_text(f"{name} {value}") for name, value in story.facts.items()) or _text(story.result)
    lines.append(f"    Note over {everybody}: {about}")
    for moment in story.moments:
        lines.append(f"    {_moment(story, moment, names, everybody)}")
    for lane in story.lanes:
        note = ", ".join(filter(None, (spent(story, lane), ending(lane))))
        if note:
            lines.append(f"    Note over {names[lane.channel_id]}: {_text(note)}")
    for finding in story.findings:
        known = story.lane_of(finding.channel_id)
        where = names[known.channel_id] if known else everybody
        lines.append(f"    Note over {where}: {_text(f'{finding.severity}: {finding.text} ({finding.rule})')}")
    return "\n".join(lines) + "\n"


def _moment(story: Story, moment: LadderStep, names: dict[str, str], everybody: str) -> str:
    lane, other = story.lane_of(moment.channel_id), story.lane_of(moment.other_id)
    at = offset_text(offset_s(story, moment.at))
    text = _text(f"{at} {sentence(story, moment)}".strip())
    if lane and other and lane is not other:
        arrow = "--x" if moment.is_bad else "-->>" if moment.kind == "dial_status" else "->>"
        return f"{names[lane.channel_id]}{arrow}{names[other.channel_id]}: {text}"
    known = lane or other
    return f"Note over {names[known.channel_id] if known else everybody}: {text}"


def _text(text: str) -> str:
    """Escape text for Mermaid: its own signs as numbers, one line, at most 300 characters."""
    text = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    if len(text) > 300:
        text = text[:299] + "…"
    return re.sub(r"[#;%<>{}\\`\[\]\"|&]", lambda sign: f"#{ord(sign[0])};", text) or " "
