"""Sessions for these tests: real frames, with telephone numbers put where the recordings have short extensions."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.conftest import read_lines, streams

START_NS = 1_795_474_000_000_000_000
SUBSCRIBERS = {
    "1001": "+420601234501",
    "1002": "00420601234502",
    "1003": "420601234503",
    "2001": "+12125550101",
    "2003": "2125550103",
    "4000": "+442079460123",
}
_EXTENSION = re.compile(rf"(?<![0-9A-Za-z.:-])({'|'.join(SUBSCRIBERS)})(?![0-9A-Za-z.])")


def frames_of(stream: str) -> list[str]:
    """Frames of a recorded stream."""
    return [orjson.loads(line)["frame"] for line in read_lines(streams()[stream])]


def dressed(frames: Iterable[str]) -> list[str]:
    """The frames with whole telephone numbers in the place of extensions, also as users of endpoints."""
    return [
        re.sub(r"PJSIP/u(1002)\b", "PJSIP/00420601234502", _EXTENSION.sub(lambda m: SUBSCRIBERS[m[1]], frame))
        for frame in frames
    ]


def write(
    target: Path, rows: Sequence[str | tuple[str, str]], *, start_ns: int = START_NS, step_ns: int = 10_000_000
) -> Path:
    """Seal rows, each a frame or `(kind, raw)`, ten milliseconds apart."""
    writer = JournalWriter(journal_path(target), start_ns, {"verb": "import", "files": [target.name]})
    told = [("event", row) if isinstance(row, str) else row for row in rows]
    writer.write((start_ns + i * step_ns, i * step_ns, kind, raw) for i, (kind, raw) in enumerate(told))
    writer.close()
    seal(journal_path(target), target)
    return target
