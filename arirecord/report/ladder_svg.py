"""Draw the ladder of a call as SVG: bars over time above, the ladder below, in dark and light."""

import math
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

from rich.cells import cell_len

from arirecord.printable import printable

from .fold_lanes import fold
from .ladder_layout import length_s, offset_s, offset_text, ticks, until_text
from .story import Interval, LadderStep, Lane, Story, sentence
from .style import ladder_style
from .turn_lanes import SPEAKERS

__all__ = ["ladder_svg"]

MAX_LANES = 24
_LETTER = 7.3
"""Width of a 12 px letter in the widest of the usual monospaced fonts."""
_LINE, _ROW, _TIME, _LANE, _WIDEST_LANE, _SENTENCE, _EDGE = 16, 24, 80, 88, 124, 420, 12
_BARS = ("ringing", "up", "waiting", "talking", "hold")
"""Drawn in this order: later ones cover earlier ones."""


def ladder_svg(story: Story, *, max_lanes: int = MAX_LANES, is_standalone: bool = True) -> str:
    """Return the story as one SVG element, with a title and a description for screen readers.

    More than `max_lanes` channels are folded (see `fold`). Without `is_standalone` it has no styles and headline,
    for a page that has them.
    """
    story = fold(story, max_lanes)
    bars_width = max(_TIME + _lane_width(story) * len(story.lanes) + _SENTENCE - 2 * _EDGE, 640)
    width = bars_width + 2 * _EDGE
    bars, top = _timeline(story, bars_width, has_head=is_standalone)
    ladder, height = _ladder(story, top + 20, width)
    title = escape(printable(f"Call {story.call_id}: {story.title}, {story.result}"))
    about = escape(printable(story.summary or "; ".join(f"{name} {value}" for name, value in story.facts.items())))
    style = f"<style>{ladder_style()}</style>" if is_standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{title}</title><desc>{about}</desc>{style}'
        f'<rect class="paper" width="{width}" height="{height}"/>' + "".join(bars) + "".join(ladder) + "</svg>\n"
    )


def _lane_width(story: Story) -> int:
    """Return the width of a lane that fits the longest word of the labels, such as a phone number of 15 digits."""
    longest = max((cell_len(word) for lane in story.lanes for word in printable(lane.label).split(" ")), default=0)
    return min(max(_LANE, math.ceil(longest * _LETTER) + 6), _WIDEST_LANE)


def _timeline(story: Story, width: int, *, has_head: bool) -> tuple[list[str], int]:
    """Return bars over the time of the call, and their height."""
    label = min(max([80, *(int(cell_len(f"{i.letter} {i.label}") * _LETTER) + 16 for i in story.lanes)]), 240)
    length, room = length_s(story), width - label - 60
    parts = [_say(_EDGE, 22, f"{story.title}  {story.result}", "head", width)] if has_head else []
    top = 40 if has_head else 12

    def x(seconds: float) -> float:
        return round(_EDGE + label + min(max(seconds / length, 0), 1) * room, 1)

    speakers = [speaker for speaker in SPEAKERS if any(turn.speaker == speaker for turn in story.turns)]
    bottom = top + 18 + _ROW * (len(story.lanes) + len(speakers))
    for tick in ticks(length, max(room // 90, 1)):
        text = f"{tick:g} s" if tick < 60 else offset_text(tick).removesuffix(".000")
        parts.append(f'<line class="tick" x1="{x(tick)}" y1="{top + 14}" x2="{x(tick)}" y2="{bottom}"/>')
        parts.append(_say(x(tick) + 3, top + 10, text, "time"))
    for place, lane in enumerate(story.lanes):
        y = top + 18 + place * _ROW
        parts.append(_say(_EDGE, y + 16, f"{lane.letter} {lane.label}", "name", label - 8))
        begin, end = offset_s(story, lane.created_at) or 0.0, offset_s(story, lane.ended_at)
        parts.append(_bar("alive", x(begin), y + 10, x(length if end is None else end), 4, ""))
        for interval in _painted(story, lane):
            start, stop = offset_s(story, interval.started_at), offset_s(story, interval.ended_at)
            left, right = (
                x(begin if start is None else start),
                x((length if end is None else end) if stop is None else stop),
            )
            is_speech = interval.kind == "speech"
            parts.append(
                _bar(
                    interval.kind,
                    left,
                    y + (9 if is_speech else 4),
                    right,
                    5 if is_speech else 15,
                    _lasting(story, interval),
                )
            )
        for moment in story.moments:
            at = offset_s(story, moment.at)
            if moment.kind == "dtmf" and at is not None and story.lane_of(moment.channel_id) is lane:
                begun = x(at - (moment.duration_ms or 0) / 1000)
                digit = _say(begun - 3.6, y + 15.5, moment.label[:1], "digit")
                parts.append(f'<g class="key"><title>{escape(printable(sentence(story, moment)))}</title>')
                parts.append(f'<circle cx="{begun}" cy="{y + 11.5}" r="7.5"/>{digit}</g>')
    for place, speaker in enumerate(speakers, len(story.lanes)):
        parts += _turns(story, speaker, top + 18 + place * _ROW, x)
    parts += _legend(bottom + 18)
    return parts, bottom + 24


def _turns(story: Story, speaker: str, y: int, x: Callable[[float], float]) -> Iterator[str]:
    """Yield the lane of a speaker: a bar for each turn, thin if its end is not known, and its latency before it."""
    yield _say(_EDGE, y + 16, speaker, "name")
    for turn in story.turns:
        if turn.speaker == speaker:
            begin, end = offset_s(story, turn.started_at) or 0.0, offset_s(story, turn.ended_at)
            title = f"{speaker} from {offset_text(begin)} to {offset_text(end) or '?'}: {turn.text}".removesuffix(": ")
            if end is None:
                yield _bar("talking", x(begin), y + 10, x(length_s(story)), 4, title)
            else:
                yield _bar("talking", x(begin), y + 6, x(end), 12, title)
            if turn.latency_s is not None:
                yield _say(x(begin) - 3, y + 16, f"{turn.latency_s:.2f}", "time right")


def _legend(y: int) -> Iterator[str]:
    x = _EDGE
    for kind, text in (
        ("ringing", "ringing"), ("up", "up"), ("talking", "talking"), ("hold", "holds"), ("waiting", "waiting"),
        ("speech", "speech"),
    ):  # fmt: skip
        yield _bar(kind, x, y - 10, x + 18, 10, "")
        yield _say(x + 23, y, text, "time")
        x += 34 + int(len(text) * _LETTER)


def _ladder(story: Story, top: int, width: int) -> tuple[list[str], int]:
    """Return lanes as columns and moments as rows, and the height of all."""
    lane_width = _lane_width(story)
    middles = {lane.channel_id: _TIME + lane_width * place + lane_width // 2 for place, lane in enumerate(story.lanes)}
    said_at = _TIME + lane_width * len(story.lanes) + 8
    room = int((width - said_at - _EDGE) / _LETTER)
    rows: list[tuple[int, LadderStep, list[str]]] = []
    y = top + 56
    for moment in story.moments:
        lines = _wrapped(sentence(story, moment) + until_text(story, moment), room)
        rows.append((y, moment, lines))
        y += _ROW + _LINE * (len(lines) - 1)
    parts = []
    for place, (row_y, moment, _) in enumerate(rows):
        is_marked = moment.seq == story.marked_seq
        if place % 2 or is_marked:
            next_y = rows[place + 1][0] if place + 1 < len(rows) else y
            kind, height = "marked" if is_marked else "stripe", next_y - row_y
            parts.append(f'<rect class="{kind}" x="0" y="{row_y - _ROW + 8}" width="{width}" height="{height}"/>')
    for lane in story.lanes:
        parts += _lifeline(story, lane, middles[lane.channel_id], top, rows, y)
    for row_y, moment, lines in rows:
        parts.append(_say(_TIME - 8, row_y, offset_text(offset_s(story, moment.at)), "time right"))
        parts.append(_mark(story, moment, middles, row_y))
        kind = "bad" if moment.is_bad else moment.kind
        texts = "".join(_say(said_at, row_y + n * _LINE, line, f"said {kind}") for n, line in enumerate(lines))
        parts.append(f"<g><title>row {moment.seq} of the recording</title>{texts}</g>")
    return parts, y + _EDGE


def _lifeline(
    story: Story, lane: Lane, x: int, top: int, rows: list[tuple[int, LadderStep, list[str]]], end_y: int
) -> Iterator[str]:
    """Yield a lane's name and its states from top to bottom, by the order of arrival."""
    yield _say(x, top, lane.letter, "name middle")
    names = _wrapped(lane.label, int((_lane_width(story) - 6) / _LETTER))
    for place, line in enumerate([*names[:2], "…"] if len(names) > 3 else names, 1):
        yield _say(x, top + place * (_LINE - 2), line, "time middle")

    def y_of(seq: int | None, otherwise: int) -> int:
        if seq is None:
            return otherwise
        return next((row_y - 4 for row_y, moment, _ in rows if moment.seq >= seq), end_y - 8)

    first, last = y_of(lane.first_seq, top + 40), y_of(lane.ended_seq, end_y - 8)
    name = escape(printable(lane.name))
    yield f'<line class="life" x1="{x}" y1="{first}" x2="{x}" y2="{last}"><title>{name}</title></line>'
    labels = {bridge.bridge_id: bridge.label for bridge in story.bridges}
    for interval in story.intervals_of(lane):
        if interval.bridge_id in labels and interval.kind in ("bridge", "waiting"):
            begin, end = y_of(interval.started_seq, first), y_of(interval.ended_seq, last)
            yield f'<line class="bridge" x1="{x + 8}" y1="{begin}" x2="{x + 8}" y2="{end}"/>'
            yield _say(x + 12, begin + 12, labels[interval.bridge_id].removeprefix("bridge "), "time")
    for interval in _painted(story, lane):
        if interval.kind != "speech":
            begin, end = y_of(interval.started_seq, first), y_of(interval.ended_seq, last)
            if end > begin:
                yield (
                    f'<rect class="{interval.kind}" x="{x - 5}" y="{begin}" width="10" height="{end - begin}" rx="2">'
                    f"<title>{escape(printable(_lasting(story, interval)))}</title></rect>"
                )


def _mark(story: Story, moment: LadderStep, middles: dict[str, int], y: int) -> str:
    lane, other = story.lane_of(moment.channel_id), story.lane_of(moment.other_id)
    style = "bad" if moment.is_bad else moment.kind
    title = f"<title>{escape(printable(sentence(story, moment)))}</title>"
    if lane and other and lane is not other:
        one, two = middles[lane.channel_id], middles[other.channel_id]
        side = 1 if two > one else -1
        tip = two - side * 6
        label = _cut(printable(moment.label), int((abs(two - one) - 24) / _LETTER))
        return (
            f'<g class="arrow {style}">{title}<line x1="{one + side * 6}" y1="{y - 3}" x2="{tip}" y2="{y - 3}"/>'
            f'<path d="M{tip},{y - 3} l{-side * 8},-4 v8 z"/>'
            f'<text class="middle" x="{(one + two) / 2}" y="{y - 7}">{escape(label)}</text></g>'
        )
    if known := lane or other:
        x = middles[known.channel_id]
        if moment.kind == "dtmf":
            digit = _say(x - 3.6, y, moment.label[:1], "digit")
            return f'<g class="key">{title}<circle cx="{x}" cy="{y - 4}" r="8"/>{digit}</g>'
        return f'<g class="dot {style}">{title}<circle cx="{x}" cy="{y - 4}" r="5"/></g>'
    return ""


def _painted(story: Story, lane: Lane) -> list[Interval]:
    order = {kind: place for place, kind in enumerate((*_BARS, "speech"))}
    return sorted((i for i in story.intervals_of(lane) if i.kind in order), key=lambda i: order[i.kind])


def _lasting(story: Story, interval: Interval) -> str:
    begin, end = (offset_text(offset_s(story, at)) or "?" for at in (interval.started_at, interval.ended_at))
    return f"{interval.kind} from {begin} to {end}" + (f" (×{interval.count})" if interval.count > 1 else "")


def _bar(style: str, left: float, y: float, right: float, height: int, title: str) -> str:
    about = f"<title>{escape(printable(title))}</title>" if title else ""
    width = max(right - left, 1)
    place = f'x="{left}" y="{y}" width="{width:.1f}" height="{height}"'
    return f"<rect class={quoteattr(style)} {place} rx='2'>{about}</rect>"


def _say(x: float, y: float, text: str, style: str, room: float | None = None) -> str:
    text = printable(text)
    if room is not None:
        text = _cut(text, int(room / _LETTER))
    return f'<text class={quoteattr(style)} x="{x}" y="{y}">{escape(text)}</text>'


def _cut(text: str, room: int) -> str:
    """Cut to at most `room` cells, with an ellipsis if text is left out."""
    if cell_len(text) <= room:
        return text
    while text and cell_len(text) > max(room, 1) - 1:
        text = text[:-1]
    return text + "…" if room > 0 else ""


def _wrapped(text: str, room: int) -> list[str]:
    """Wrap to lines of at most `room` cells, between words if possible."""
    lines = [""]
    for word in printable(text).split(" "):
        while True:
            joined = f"{lines[-1]} {word}" if lines[-1] else word
            if cell_len(joined) <= room:
                lines[-1] = joined
                break
            if lines[-1]:
                lines.append("")
                continue
            part = word
            while cell_len(part) > room:
                part = part[:-1]
            lines[-1], word = part, word[len(part) :]
            lines.append("")
    return lines
