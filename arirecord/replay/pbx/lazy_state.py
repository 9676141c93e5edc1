"""The model of the switch, kept up to date as long as that is cheap or somebody asks."""

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
    """What is up where the replay is: `switch`, true after `freshen`.

    To look into every frame costs more than to send it. At full speed, or where there is no time, this waits until a
    client asks what is up: then the recording is read once up to here, and from then on every frame is looked into.
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
        """These frames are about to be sent; `lazily`: there is no time to look into them."""
        again = [n for n, frame in enumerate(batch) if frame.kind == AGAIN]
        self._taken = len(batch) - again[-1] - 1 if again else self._taken + len(batch)
        if self._live and not self._asked and (lazily or self.switch.behind + len(batch) > _MOST):
            self._live = False
            self.switch.clear()
        if self._live:
            # While it is being built nothing is looked into: what waits comes after what is being read.
            self.switch.feed(batch, sys.maxsize if self._building.locked() else _MOST)

    def give_back(self, batch: Sequence[Frame]) -> None:
        """These were not sent, and will be taken again."""
        self._taken -= len(batch)

    def idle(self) -> bool:
        """There is a little time to look into what waits. Whether there is more."""
        if not self._live or self._building.locked():
            return False
        self.switch.catch_up(_A_FEW)
        return self.switch.behind > 0

    def lead(self, frames: Sequence[Frame]) -> None:
        """These tell what was up before the first frame that is sent."""
        self._taken += len(frames)
        self.switch.feed(frames)

    async def freshen(self) -> None:
        """Bring it up to what was sent by now. Raises `ReplayError` where the session can't be read."""
        self._asked = True
        async with self._building:
            if not self._live:
                self._live = True
                await self._build(self._start, self._taken)

    async def prime(self, place: Position) -> None:
        """The replay goes on from this place. Raises as `freshen` does.

        Where much was before it, that is read when a client asks what is up.
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
