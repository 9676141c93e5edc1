"""The frames of a session, read ahead of those that are due, and the positions in it that people name."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count, dropwhile, islice, takewhile
from operator import length_hint
from typing import Any

from arirecord.errors import NotASession, ReplayError
from arirecord.select.times import Position, parse_time, select_stretch
from arirecord.session.positions import recording_span
from arirecord.session.reader import Frame, RowBatch, SessionFile

from .options import ReplayOptions
from .timing.chaos import Chaos
from .timing.due_frames import timeline
from .timing.pacing import gated, paced, repeated
from .timing.prefetch import Prefetch

__all__ = ["FrameSource", "find_place"]

_AHEAD = 3

# To make this many frames of rows takes a tenth of a millisecond.
_PIECE = 64

# Frames are what came over the wire. REST exchanges are included because they show the pbx state. Connection rows,
# which arirecord itself wrote, are not replayed.
_KINDS = ("event", "binary", "rest")


class FrameSource:
    """Returns the frames of a session from a position on. Little is read ahead, so memory is bounded.

    A thread reads and decompresses the file and hardly holds the GIL. `take` makes the frames, a few at a time, when
    its caller has time. `gates` come between the frames, each at its time; `chaos` delays some.
    """

    def __init__(
        self, session: SessionFile, options: ReplayOptions, gates: Sequence[Frame] = (), chaos: Chaos | None = None
    ) -> None:
        self.session = session
        self._gates = gates
        self._chaos = chaos
        self._options = options
        self._ahead: Prefetch[RowBatch | None] = Prefetch(iter(()), 0)
        self._frames: Iterator[Frame] = iter(())
        self._piece: Iterator[Frame] = iter(())
        self._has_piece = False

    def seek(self, start: Position | None) -> None:
        """Continue from a position; None: from the start. Close it afterwards."""
        self.close()
        self._ahead = ahead = Prefetch(self._read(start), _AHEAD)
        self._frames = self._repeated(lambda: self._made(self._pieces(ahead), start))
        self._piece, self._has_piece = iter(()), False

    def close(self) -> None:
        """Stop reading."""
        self._ahead.close()

    @property
    def is_ready(self) -> bool:
        """Whether `take` would return without a wait for the disk."""
        return self._has_piece or self._ahead.is_ready

    @property
    def is_idle(self) -> bool:
        """Whether no read is in progress."""
        return self._ahead.is_full

    async def wait(self) -> None:
        """Wait until `take` would return at once."""
        if not self.is_ready:
            await self._ahead.wait()

    def take(self) -> list[Frame]:
        """Return the next few frames; empty at the end. Raises `ReplayError` if the session is damaged."""
        try:
            first = list(islice(self._frames, 1))
            return first + list(islice(self._frames, length_hint(self._piece)))
        except (NotASession, OSError) as error:
            raise ReplayError(f"the session can't be read on: {error}") from error

    def once(self, start: Position | None) -> Iterator[Frame]:
        """The frames of one pass from a position on (None: from the start), read on demand."""
        return self._made(self.session.frames(**self._asked(start)), start)

    def before(self, place: Position) -> Iterator[Frame]:
        """The frames before a position, to compute the pbx state there."""
        frames = self.session.frames(kinds=_KINDS, until_ns=place.ns + 1)
        return timeline(takewhile(place.is_after, frames), self.session.header.started_ns)

    def _read(self, start: Position | None) -> Iterator[RowBatch | None]:
        """The rows of all passes, with None after each."""
        for _ in range(self._options.loop) if self._options.loop else count():
            yield from self.session.rows(**self._asked(start))
            yield None

    def _asked(self, start: Position | None) -> dict[str, Any]:
        until = self._options.until
        until_ns = None if until is None else until.ns + (until.seq >= 0)
        return {"kinds": _KINDS, "since_ns": None if start is None else start.ns, "until_ns": until_ns}

    def _pieces(self, ahead: Prefetch[RowBatch | None]) -> Iterator[Frame]:
        """The frames of one pass, made of the rows read ahead."""
        while (rows := next(ahead, None)) is not None:
            size = rows.batch.num_rows
            for begin in range(0, size, _PIECE):
                self._piece = iter(list(rows.frames(begin, _PIECE)))
                self._has_piece = begin + _PIECE < size
                yield from self._piece

    def _repeated(self, one: Callable[[], Iterator[Frame]]) -> Iterator[Frame]:
        return one() if self._options.loop == 1 else repeated(one, self._options.loop or None)

    def _made(self, frames: Iterator[Frame], start: Position | None) -> Iterator[Frame]:
        """The frames of one pass as they are replayed."""
        options = self._options
        until = options.until
        if start is not None and start.seq >= 0:
            frames = dropwhile(start.is_after, frames)
        if until is not None and until.seq >= 0:
            # To the end, not up to the first None: the rows read ahead then begin with the next pass.
            frames = filter(until.is_after, frames)
        if self._gates:
            frames = gated(frames, self._gates, options.start_ns if start is None else start.ns, options.until_ns)
        frames = timeline(frames, self.session.header.started_ns)
        if self._chaos is not None and self._chaos.reorders:
            frames = self._chaos.reorder(frames)
        if options.idle_limit_ns is None and not options.min_gap_ns:
            return frames
        return paced(frames, options.idle_limit_ns, options.min_gap_ns, options.sends)


def find_place(to: str, session: SessionFile) -> Position:
    """Return the position of a time as `parse_time` takes it, or of a number of seconds since the recording started.

    Raises `ReplayError` for anything else, and as `select_stretch` does.
    """
    if re.fullmatch(r"\d{1,9}(\.\d{1,20})?(e-\d{1,2})?", to):  # as Python and JavaScript write a computed number
        return Position(session.header.started_ns + round(float(to) * 1e9))
    try:
        place = select_stretch(parse_time(to), None, recording_span(session)).begin
    except ValueError as error:
        raise ReplayError(str(error)) from None
    assert place is not None
    return place
