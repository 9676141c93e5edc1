"""Reading a session ahead of the player, in a thread, so that the disk never holds up the event loop."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import dropwhile, islice, takewhile

import pyarrow as pa

from arirecord.session.reader import Frame, Session

from .chaos import Chaos
from .moments import Place, rows_before
from .options import ReplayError, ReplayOptions
from .pace import gated
from .pacing import paced, repeated
from .player import timeline

__all__ = ["Source"]

_CHUNK = 1024
_CHUNKS = 4

# Frames are what came over the wire. REST exchanges come along because they tell what was up; what arirecord itself
# noted about the connection is not replayed.
_KINDS = ("event", "binary", "rest")


class Source:
    """The frames of a session in chunks. `run` is the task that reads; few chunks wait, so memory is bounded.

    `gates` come between the frames, each at its time; `chaos` delays some.
    """

    def __init__(self, session: Session, options: ReplayOptions) -> None:
        self.session = session
        self.gates: Sequence[Frame] = ()
        self.chaos: Chaos | None = None
        self._options = options
        self._start = options.start
        self._turn = 0
        self._turned = asyncio.Event()
        self._turned.set()
        self._chunks: asyncio.Queue[tuple[int, list[Frame]]] = asyncio.Queue(_CHUNKS)

    async def run(self) -> None:
        """Read until the end, and again where `seek` says so. Raises `ReplayError` where the session is damaged."""
        while True:
            await self._turned.wait()
            self._turned.clear()
            turn, frames = self._turn, self._frames(self._start)
            while turn == self._turn:
                try:
                    chunk = await asyncio.to_thread(_next_chunk, frames)
                except (pa.ArrowException, OSError) as error:
                    raise ReplayError(f"{self.session.path} can't be read on: {error}") from error
                await self._chunks.put((turn, chunk))
                if not chunk:
                    break

    def seek(self, start: Place) -> None:
        """Read on from a place; chunks from elsewhere are not given out any more."""
        self._start = start
        self._turn += 1
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._turned.set()

    def before(self, place: Place) -> Iterator[Frame]:
        """The frames before a place, for whoever must know what was up then."""
        frames = self.session.frames(kinds=_KINDS, until_ns=place.ns + 1)
        return timeline(takewhile(place.is_after, frames), self.session.header.started_ns)

    def rows_before(self, place: Place) -> int:
        """At most how many frames that is."""
        return rows_before(self.session, place.ns)

    @property
    def waiting(self) -> bool:
        """Whether a chunk can be had at once."""
        return not self._chunks.empty()

    async def get(self) -> list[Frame]:
        """The next chunk; empty at the end, once."""
        while True:
            turn, chunk = await self._chunks.get()
            if turn == self._turn:
                return chunk

    def _frames(self, start: Place | None) -> Iterator[Frame]:
        options = self._options
        return self.once(start) if options.loop == 1 else repeated(lambda: self.once(start), options.loop or None)

    def once(self, start: Place | None) -> Iterator[Frame]:
        """The frames of one pass, from a place on (None: from the start)."""
        options = self._options
        until = options.until
        found = self.session.frames(
            kinds=_KINDS,
            since_ns=None if start is None else start.ns,
            until_ns=None if until is None else until.ns + (until.seq >= 0),
        )
        if start is not None and start.seq >= 0:
            found = dropwhile(start.is_after, found)
        if until is not None and until.seq >= 0:
            found = takewhile(until.is_after, found)
        if self.gates:
            found = gated(found, self.gates, options.start_ns if start is None else start.ns, options.until_ns)
        frames = timeline(found, self.session.header.started_ns)
        if self.chaos is not None and self.chaos.reorders:
            frames = self.chaos.reorder(frames)
        if options.idle_limit_ns is None and not options.min_gap_ns:
            return frames
        return paced(frames, options.idle_limit_ns, options.min_gap_ns, options.sends)


def _next_chunk(frames: Iterator[Frame]) -> list[Frame]:
    return list(islice(frames, _CHUNK))
