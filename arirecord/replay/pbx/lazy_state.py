"""The pbx state, computed only when that is cheap or a client queries it."""

import asyncio
import sys
from collections.abc import Sequence
from itertools import islice

from arirecord.errors import NotASession, ReplayError
from arirecord.replay.frame_source import FrameSource
from arirecord.replay.timing.pacing import AGAIN
from arirecord.select.times import Position
from arirecord.session.reader import Frame

from .state import PbxState

__all__ = ["LazyState"]

_AT_ONCE = 10_000
_A_FEW = 4
_MOST = 2048


class LazyState:
    """The pbx state at the position of the replay: `switch`, current after `freshen`.

    Parsing a frame costs more than sending it. At full speed, or without idle time, parsing waits until a client
    queries the state. Then the recording is read once up to the position; from then on every frame is parsed.
    """

    def __init__(self, source: FrameSource) -> None:
        self.switch = PbxState()
        self._source = source
        self._start: Position | None = None
        self._taken = 0
        self._asked = False
        self._live = True
        self._turn = 0
        self._building = asyncio.Lock()

    def take(self, batch: Sequence[Frame], lazily: bool) -> None:
        """Take frames that will be sent now; `lazily`: without time to parse them."""
        again = [n for n, frame in enumerate(batch) if frame.kind == AGAIN]
        self._taken = len(batch) - again[-1] - 1 if again else self._taken + len(batch)
        if self._live and not self._asked and (lazily or self.switch.behind + len(batch) > _MOST):
            self._live = False
            self.switch.clear()
        if self._live:
            # While the state is being built, no frame is parsed: the waiting frames come after those being read.
            self.switch.feed(batch, sys.maxsize if self._building.locked() else _MOST)

    def give_back(self, batch: Sequence[Frame]) -> None:
        """Take back frames that were not sent and will be taken again."""
        self._taken -= len(batch)

    def idle(self) -> bool:
        """Use idle time to parse some of the waiting frames. Returns whether more are left."""
        if not self._live or self._building.locked():
            return False
        self.switch.catch_up(_A_FEW)
        return self.switch.behind > 0

    def lead(self, frames: Sequence[Frame]) -> None:
        """Take the frames that show the state before the first frame that is sent."""
        self._taken += len(frames)
        self.switch.feed(frames)

    async def freshen(self) -> None:
        """Update the state to the frames sent so far. Raises `ReplayError` if the session cannot be read."""
        self._asked = True
        async with self._building:
            if not self._live:
                self._live = True
                await self._build(self._start, self._taken)

    async def prime(self, place: Position) -> None:
        """Continue from this position. Raises as `freshen` does.

        If many frames precede it, they are read when a client queries the state.
        """
        self._turn += 1
        self._start, self._taken = place, 0
        self._live = self._source.rows_before(place) < _AT_ONCE
        self.switch.clear()
        if self._live:
            async with self._building:
                await self._build(place, 0)

    async def _build(self, start: Position | None, count: int) -> None:
        turn, switch = self._turn, PbxState()

        def read() -> None:
            if start is not None:
                for frame in self._source.before(start):
                    switch.feed([frame], 0)
                switch.remember()
            for frame in islice(self._source.once(start), count):
                switch.feed([frame], 0)

        try:
            await asyncio.to_thread(read)
        except (NotASession, OSError) as error:
            raise ReplayError(f"the session can't be read: {error}") from error
        if turn == self._turn:
            switch.feed(self.switch.waiting(), sys.maxsize)
            vars(self.switch).update(vars(switch))
