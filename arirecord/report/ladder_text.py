"""Draw the ladder of a call as text, for terminals, mails and tickets."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from arirecord.printable import printable_values

from .fold_lanes import fold
from .ladder_layout import bar_state, ending, length_s, offset_s, offset_text, state_at, ticks, ties, until_text
from .story import LadderStep, Lane, Story, sentence
from .turn_lanes import lanes_of_turns

__all__ = ["ladder_text", "renderable"]

MAX_LANES = 12
_TIME = 11
_SENTENCE = 36
_LINES = {"hold": "▒", "talking": "┃", "waiting": "╎", "up": "│", "ringing": "┆", "alive": "·"}
_BARS = {"hold": "▒", "talking": "━", "waiting": "╌", "up": "─", "ringing": "┈", "alive": "·"}
_STYLES = {
    "hold": "magenta", "talking": "green", "waiting": "cyan", "up": "default", "ringing": "yellow", "alive": "dim",
}  # fmt: skip
_MARKS = {
    "created": "●", "end": "✕", "hangup": "◦", "hold": "▒", "unhold": "◇", "state": "◆", "transfer": "★", "enter": "▸",
    "leave": "◂", "stasis": "◈", "playback": "♪", "recording": "○",
}  # fmt: skip
_KINDS = {
    "dial": "yellow", "transfer": "bold blue", "dtmf": "bold cyan", "hold": "magenta", "unhold": "magenta",
    "gap": "bold red", "rest": "blue", "mark": "bold", "user_event": "cyan", "end": "dim", "dialplan": "dim",
    "variable": "dim",
}  # fmt: skip
_SEVERITIES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def ladder_text(story: Story, *, width: int = 100, max_lanes: int = MAX_LANES, has_rows: bool = False) -> str:
    """Return the whole story as text, at most `width` columns wide.

    More than `max_lanes` channels are folded (see `fold`). `has_rows` adds the row of the recording to each moment.
    """
    out = StringIO()
    console = Console(
        force_jupyter=False,  # otherwise it prints the text in the notebook
        file=out, width=width, force_terminal=False, color_system=None, no_color=True,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    console.print(renderable(story, width=width, max_lanes=max_lanes, has_rows=has_rows))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def renderable(story: Story, *, width: int = 100, max_lanes: int = MAX_LANES, has_rows: bool = False) -> RenderableType:
    """Return the whole story for a rich console."""
    story = printable_values(fold(story, max_lanes))
    parts: list[RenderableType] = [*_header(story), Text(), _parties(story)]
    if story.bridges:
        parts += [Text(), _bridges(story)]
    parts += [Text(), *_bars(story, width), Text(), *_ladder(story, width, has_rows)]
    if story.turns:
        parts += [Text(), *_turns(story, width)]
    if story.evidence:
        parts += [Text(), _evidence(story)]
    parts += [Text(), _findings(story)]
    return Group(*parts)


def _header(story: Story) -> Iterator[Text]:
    incomplete = "" if story.is_complete else "  (not recorded completely)"
    yield Text.assemble(
        ("Call ", "bold"), (story.call_id, "bold"), f"  {story.title}  ", (story.result, "bold"), incomplete
    )
    if story.summary:
        yield Text(story.summary)
    for name, value in story.facts.items():
        yield Text(f"  {name:<11} {value}")


def _grid(title: str, columns: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = title, "left", "bold"
    for place in range(columns):
        table.add_column(overflow="fold", no_wrap=place == 0)
    return table


def _parties(story: Story) -> Table:
    table = _grid("Parties", 5)
    for lane in story.lanes:
        up = ""
        if lane.count == 1 and lane.answered_at and lane.ended_at:
            up = f"up {(lane.ended_at - lane.answered_at).total_seconds():.3f} s"
        elif lane.count == 1 and lane.is_answered is False:
            up = "not answered"
        elif lane.count == 1 and lane.answered_at is None:
            up = "up, since when unknown" if lane.is_answered else ""
        spoken = [
            i.ended_at - i.started_at
            for i in story.intervals_of(lane)
            if i.kind == "speech" and i.started_at and i.ended_at
        ]
        spoke = f"spoke {sum(spoken, timedelta()).total_seconds():.3f} s" if spoken else ""
        table.add_row(
            f"  {lane.letter}",
            lane.number or "",
            lane.name,
            lane.role or "",
            ", ".join(filter(None, (up, spoke, ending(lane)))),
        )
    return table


def _bridges(story: Story) -> Table:
    table = _grid("Bridges", 3)
    for bridge in story.bridges:
        stays = [i for i in story.intervals if i.bridge_id == bridge.bridge_id and i.kind in ("bridge", "waiting")]
        who = dict.fromkeys(lane.letter for i in stays if (lane := story.lane_of(i.channel_id)))
        kinds = " ".join(filter(None, (bridge.type, bridge.technology, bridge.bridge_class)))
        members = ", ".join(who) or "folded channels"
        table.add_row(f"  {bridge.label}", kinds, f"{members}  ({bridge.name or bridge.bridge_id})")
    return table


def _bars(story: Story, width: int) -> Iterator[Text]:
    """Yield a bar for each lane over the time of the call, with speech and keys below it."""
    label = min(max(cell_len(f"{lane.letter} {lane.label}") for lane in story.lanes) if story.lanes else 1, 24)
    cells = max(width - label - 4, 10)
    length = length_s(story)
    yield Text("Timeline", "bold")
    yield Text(" " * (label + 4) + _axis(length, cells), "dim")
    for lane in story.lanes:
        name = Text(f"{lane.letter} {lane.label}")
        name.truncate(label, overflow="ellipsis", pad=True)
        line = Text("  ").append(name).append("  ")
        for cell in range(cells):
            state = bar_state(story, lane, cell * length / cells, (cell + 1) * length / cells)
            line.append(_BARS[state] if state else " ", _STYLES[state] if state else "")
        yield line
        for bar, row in (("speech", _speech(story, lane, cells, length)), ("keys", _keys(story, lane, cells, length))):
            if row.strip():
                yield Text(f"  {bar:>{label}}  {row}", "cyan")
    yield Text("  " + "  ".join(f"{_BARS[s]}{_BARS[s]} {n}" for s, n in _LEGEND.items()) + "  ▄▄ speech", "dim")


def _turns(story: Story, width: int) -> Iterator[RenderableType]:
    """Yield a lane for each speaker of a call with a voice agent, and its turns in order."""
    yield Text("Turns", "bold")
    for speaker, bar in lanes_of_turns(story.turns, max(width - 10, 10)):
        yield Text(f"  {speaker:<6}  ").append(bar, "cyan")
    table = _grid("", 4)
    for turn in story.turns:
        length = f"{(turn.ended_at - turn.started_at).total_seconds():.3f} s" if turn.ended_at else ""
        table.add_row(f"  {offset_text(offset_s(story, turn.started_at))}", turn.speaker, length, turn.text)
    yield table


_LEGEND = {"ringing": "ringing", "up": "up", "talking": "talking", "hold": "holds", "waiting": "waiting"}


def _axis(length: float, cells: int) -> str:
    line = ""
    for tick in ticks(length, max(cells // 12, 1)):
        place = int(tick / length * cells)
        text = "|" + (f"{tick:g} s" if tick < 60 else offset_text(tick).removesuffix(".000"))
        if len(line) <= place and place + len(text) <= cells:
            line = line.ljust(place) + text
    return line


def _speech(story: Story, lane: Lane, cells: int, length: float) -> str:
    row = [" "] * cells
    for interval in story.intervals_of(lane):
        begin, end = offset_s(story, interval.started_at), offset_s(story, interval.ended_at)
        if interval.kind == "speech" and (begin is not None or end is not None):
            begin, end = (end if begin is None else begin) or 0.0, (begin if end is None else end) or 0.0
            for cell in range(max(int(begin / length * cells), 0), min(int(end / length * cells), cells - 1) + 1):
                row[cell] = "▄"
    return "".join(row)


def _keys(story: Story, lane: Lane, cells: int, length: float) -> str:
    """Place digits where they began; digits on an occupied cell move to the next free one."""
    row = [" "] * cells
    for moment in story.moments:
        at = offset_s(story, moment.at)
        if moment.kind == "dtmf" and story.lane_of(moment.channel_id) is lane and at is not None:
            cell = int((at - (moment.duration_ms or 0) / 1000) / length * cells)
            free = next((c for c in range(max(cell, 0), cells) if row[c] == " "), None)
            if free is not None:
                row[free] = moment.label[:1]
    return "".join(row)


def _ladder(story: Story, width: int, has_rows: bool) -> Iterator[Text]:
    lanes = story.lanes
    row_width = max((len(str(moment.seq)) for moment in story.moments), default=0) + 2 if has_rows else 0
    width -= row_width
    step = min(max((width - _TIME - _SENTENCE) // max(len(lanes), 1), 3), 9)
    yield Text("Ladder", "bold")
    head = Text(f"{'row':>{row_width}}" if row_width else "", "dim").append(f"{'s':>{_TIME - 2}}  ", "dim")
    for lane in lanes:
        head.append(f"{lane.letter:^{step}}", "bold")
    yield head
    for moment in story.moments:
        is_marked = moment.seq == story.marked_seq
        time = Text(f"{moment.seq:>{row_width}}" if row_width else "", "dim")
        time.append(f"{offset_text(offset_s(story, moment.at)):>{_TIME - 2}}{'»' if is_marked else ' '} ", "dim")
        style = "red" if moment.is_bad else _KINDS.get(moment.kind, "")
        text = Text(sentence(story, moment) + until_text(story, moment), f"{style} reverse" if is_marked else style)
        room = max(width - _TIME - step * len(lanes) - 1, 20)
        first, *rest = text.wrap(Console(width=room), room, overflow="fold") or [Text()]
        yield time + _rungs(story, moment, step) + Text(" ") + first
        for line in rest:
            yield Text(" " * (row_width + _TIME)) + _rungs(story, moment, step, is_plain=True) + Text(" ") + line
    lines = "  ".join(f"{_LINES[s]} {n}" for s, n in _LEGEND.items())
    marked = "  » the selected row" if story.marked_seq is not None else ""
    yield Text(f"{'':{_TIME}}{lines}  ● begins  ✕ ends{marked}", "dim")


def _rungs(story: Story, moment: LadderStep, step: int, *, is_plain: bool = False) -> Text:
    """Return the lifelines at a moment, `step` cells each, with the moment's mark or arrow."""
    lanes = story.lanes
    cells = [" "] * (step * len(lanes))
    styles = [""] * len(cells)
    at = [place * step + step // 2 - (step % 2 == 0) for place in range(len(lanes))]
    for lane, middle in zip(lanes, at, strict=True):
        # A continued line is after the moment and before the next.
        state = state_at(story, lane, moment.seq + 0.5 if is_plain else moment.seq)
        if state:
            cells[middle], styles[middle] = _LINES[state], _STYLES[state]
    if not is_plain:
        _draw(story, moment, at, cells, styles)
    line = Text()
    for cell, style in zip(cells, styles, strict=True):
        line.append(cell, style)
    return line


def _draw(story: Story, moment: LadderStep, at: Sequence[int], cells: list[str], styles: list[str]) -> None:
    lane, other = story.lane_of(moment.channel_id), story.lane_of(moment.other_id)
    places = {known.channel_id: middle for known, middle in zip(story.lanes, at, strict=True)}
    style = "red" if moment.is_bad else _KINDS.get(moment.kind, "")
    if lane and other and lane is not other:
        one, two = places[lane.channel_id], places[other.channel_id]
        for cell in range(min(one, two) + 1, max(one, two)):
            cells[cell] = "┼" if cell in at and cells[cell] != " " else "─"
            styles[cell] = style
        cells[one] = "├" if two > one else "┤"
        cells[two] = "▶" if two > one else "◀"
        styles[one] = styles[two] = style
    elif known := lane or other:
        place = places[known.channel_id]
        mark = (
            moment.label[:1]
            if moment.kind == "dtmf"
            else _MARKS.get(moment.kind, "▶" if moment.kind == "dial" else "•")
        )
        cells[place], styles[place] = mark, style
    elif moment.kind in ("gap", "mark"):
        cells[:] = ["╌" if cell == " " else cell for cell in cells]


def _evidence(story: Story) -> Table:
    table = _grid("Why these are one call", 3)
    for names, link in ties(story):
        table.add_row(f"  {names}", link.text, offset_text(offset_s(story, link.at)))
    return table


def _findings(story: Story) -> RenderableType:
    if not story.findings:
        return Text("Nothing looks wrong.")
    table = _grid("What looks wrong", 4)
    for finding in story.findings:
        lane = story.lane_of(finding.channel_id)
        where = f"{lane.letter} " if lane else ""
        at = offset_text(offset_s(story, finding.at))
        table.add_row(
            Text(f"  {finding.severity}", _SEVERITIES[finding.severity]), finding.rule, f"{where}{finding.text}", at
        )
    fixes = _grid("", 2)
    fixes.title = None
    for rule, fix in {finding.rule: finding.fix for finding in story.findings if finding.fix}.items():
        fixes.add_row(f"  {rule}", f"Fix: {fix}")
    return Group(table, fixes)
