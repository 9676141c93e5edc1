"""The page of all figures, made from what was measured last and from the notes."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.figure import Figure, number, spread

__all__ = ["Measured", "load", "page", "save"]

HEAD = """# Performance

The tables compare arirecord with an alternative (the rival). Both run in turns (A B A B …) in the same run on the same
machine. Figures are medians, with minimum and maximum in brackets. A ratio is arirecord's value divided by the rival's;
“faster” inverts it, for times. Other work on the machine affects all figures, the ratios least.

`make bench` measures again and writes this page. `make bench ARGS=--full` uses the full sizes, up to ten million
events; `make bench ARGS="--only sealing"` runs one part and keeps the others. Streams are generated from real
recordings with new ids, numbers and times. `python -m benchmarks.generate --check` compares them with the real ones:
size and types of frames, repeated snapshots, compressed size.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one part: when and where they were measured, by which commands; `failed` says what went wrong."""

    name: str
    when: str
    machine: str
    commands: Sequence[str]
    figures: Sequence[Figure] = ()
    failed: Sequence[str] = field(default=())

    def dump(self) -> dict[str, Any]:
        """As `load` reads it."""
        own = {name: getattr(self, name) for name in ("name", "when", "machine", "commands", "failed")}
        return {**own, "figures": [figure.dump() for figure in self.figures]}

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        """What `dump` gave."""
        return cls(**{**data, "figures": [Figure.load(figure) for figure in data["figures"]]})


def load(path: Path) -> dict[str, Measured]:
    """What was measured before, by part; nothing where there is no file."""
    if not path.exists():
        return {}
    return {part["name"]: Measured.load(part) for part in json.loads(path.read_text("utf-8"))}


def save(path: Path, parts: Iterable[Measured]) -> None:
    """Keep what was measured."""
    path.write_text(json.dumps([part.dump() for part in parts], indent=1, ensure_ascii=False) + "\n", "utf-8")


def page(titles: dict[str, str], parts: dict[str, Measured], notes: str) -> str:
    """The page: a summary, a section for each part in the order of `titles`, and each part's notes below it."""
    told = _notes(notes)
    known = [name for name in titles if name in parts]
    sections = [_section(titles[name], parts[name], told.pop(name, "")) for name in known]
    rest = [f"## {name}\n\n{text}\n" for name, text in told.items() if name not in titles]
    return "\n".join([HEAD, _summary([parts[name] for name in known]), *sections, *rest])


def _summary(parts: Sequence[Measured]) -> str:
    figures = [figure for part in parts for figure in part.figures]
    asked = [figure for figure in figures if figure.is_met is not None]
    unmet = [f"{figure.what}{_size(figure)}" for figure in asked if not figure.is_met]
    skipped = [f"{figure.what} ({figure.skipped})" for figure in figures if figure.skipped]
    failed = [text for part in parts for text in part.failed]
    lines = [f"{len(asked) - len(unmet)} of {len(asked)} targets are met."]
    for words, names in (("Not met", unmet), ("Skipped", skipped), ("Could not be measured", failed)):
        if names:
            lines.append(f"{words}: {'; '.join(names)}.")
    return "\n\n".join(lines) + "\n"


def _section(title: str, part: Measured, notes: str) -> str:
    rows = [
        "| figure | events | arirecord | rival | ratio | target | met? | peak MB, rival's |",
        "|---|--:|--:|--:|--:|---|---|--:|",
        *(_row(figure) for figure in part.figures),
    ]
    said = [f"- {figure.what}{_size(figure)}: {figure.said}." for figure in part.figures if figure.said]
    commands = "\n".join(f"python -m {command}" for command in part.commands)
    blocks = [f"## {title}", f"{part.when}; {part.machine}", f"```sh\n{commands}\n```"]
    blocks += [f"**Could not be measured:** {text}" for text in part.failed]
    blocks += ["\n".join(rows)] if part.figures else []
    blocks += [growth] if (growth := _growth(part.figures)) else []
    blocks += ["\n".join(dict.fromkeys(said))] if said else []
    blocks += [notes] if notes else []
    return "\n\n".join(blocks) + "\n"


def _row(figure: Figure) -> str:
    events = f"{figure.events:,}" if figure.events else ""
    if figure.skipped:
        return f"| {figure.what} | {events} | **skipped:** {figure.skipped} | | | {figure.asked} | – | |"
    theirs = f"{spread(figure.theirs)}<br>{figure.rival}" if figure.theirs else "–"
    ratio = spread(figure.ratios) + (" faster" if figure.is_faster else "") if figure.theirs else ""
    met = {None: "", True: "yes", False: "**no**"}[figure.is_met]
    peaks = [number(peak) if peak else "–" for peak in (figure.peak_mb, figure.rival_peak_mb)]
    peak = ", ".join(peaks) if figure.rival_peak_mb else peaks[0]
    told = f"{spread(figure.ours)} {figure.unit}"
    return f"| {figure.what} | {events} | {told} | {theirs} | {ratio} | {figure.asked} | {met} | {peak} |"


def _growth(figures: Sequence[Figure]) -> str:
    """How cost grows over the sizes: of what was measured at several."""
    sizes = sorted({figure.events for figure in figures if figure.events})
    found: dict[str, dict[int, Figure]] = {}
    for figure in figures:
        if figure.events and figure.ours:
            found.setdefault(f"{figure.what}, {figure.unit}", {})[figure.events] = figure
    several = {what: of for what, of in found.items() if len(of) > 1}
    if not several:
        return ""
    head = ["| over the sizes | " + " | ".join(f"{size:,}" for size in sizes) + " |", "|---|" + "--:|" * len(sizes)]
    for what, of in several.items():
        cells = [spread(of[size].ours).partition(" ")[0] if size in of else "" for size in sizes]
        head.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(head)


def _size(figure: Figure) -> str:
    return f" ({figure.events:,} events)" if figure.events else ""


def _notes(text: str) -> dict[str, str]:
    """Notes by part: what stands below `## part`."""
    pieces = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return {name.strip(): body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
