"""The pbx state, computed only when that is cheap or a client queries it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from arirecord.errors import NotASession, ReplayError
from arirecord.replay.frame_source import FrameSource
from arirecord.replay.timing.pacing import AGAIN
from arirecord.select.times import Position
from arirecord.session.reader import Frame

from .state import PbxState

__all__ = ["BuildState", "LazyState"]

_AT_ONCE = 10_000
_A_FEW = 4
_MOST = 2048


@dataclass(frozen=True, slots=True, eq=False)
class BuildState:
    """Read the state of the pbx after `count` frames from `start` (None: from the start of the recording)."""

    start: Position | None
    count: int

    def read(self, source: FrameSource) -> PbxState:
        """Read it from the session, which takes a while. Raises `ReplayError` if the session cannot be read."""
        state = PbxState()
        try:
            if self.start is not None:
                for frame in source.before(self.start):
                    state.feed([frame], 0)
                state.remember()
            for frame in islice(source.once(self.start), self.count):
                state.feed([frame], 0)
        except (NotASession, OSError) as error:
            raise ReplayError(f"the session can't be read: {error}") from error
        return state


class LazyState:
    """The pbx state at the position of the replay: `pbx`, current while `is_current`.

    Parsing a frame costs more than sending it. At full speed, or without idle time, parsing waits until a client
    queries the state. Then the recording is read once up to the position; from then on every frame is parsed.
    `rows_before` returns the maximum number of frames before a time, in ns since 1970 UTC.
    """

    def __init__(self, rows_before: Callable[[int], int]) -> None:
        self.pbx = PbxState()
        self._rows_before = rows_before
        self._start: Position | None = None
        self._taken = 0
        self._is_queried = False
        self._is_live = True
        self._build: BuildState | None = None

    @property
    def is_current(self) -> bool:
        """Whether `pbx` is the state after the frames taken so far."""
        return self._is_live and self._build is None

    def take(self, batch: Sequence[Frame], lazily: bool) -> None:
        """Take frames that will be sent now; `lazily`: without time to parse them."""
        again = [n for n, frame in enumerate(batch) if frame.kind == AGAIN]
        self._taken = len(batch) - again[-1] - 1 if again else self._taken + len(batch)
        if self._is_live and not self._is_queried and (lazily or self.pbx.behind + len(batch) > _MOST):
            self._is_live = False
            self.pbx.clear()
        if self._is_live:
            # While the state is being built, no frame is parsed: the waiting frames come after those being read.
            self.pbx.feed(batch, sys.maxsize if self._build is not None else _MOST)

    def give_back(self, batch: Sequence[Frame]) -> None:
        """Take back frames that were not sent and will be taken again."""
        self._taken -= len(batch)

    def idle(self) -> bool:
        """Use idle time to parse some of the waiting frames. Returns whether more are left."""
        if not self.is_current:
            return False
        self.pbx.catch_up(_A_FEW)
        return self.pbx.behind > 0

    def lead(self, frames: Sequence[Frame]) -> None:
        """Take the frames that show the state before the first frame that is sent."""
        self._taken += len(frames)
        self.pbx.feed(frames)

    def query(self) -> BuildState | None:
        """A client queries the state. Returns what must be built first, unless that is already being done."""
        self._is_queried = True
        if self._is_live:
            return None
        self._is_live = True
        self._build = BuildState(self._start, self._taken)
        return self._build

    def seek(self, position: Position) -> BuildState | None:
        """Continue from this position. Returns what must be built first.

        If many frames precede it, they are read when a client queries the state, or now if that was being built.
        """
        self._start, self._taken = position, 0
        self.pbx.clear()
        self._is_live = self._build is not None or self._rows_before(position.ns) < _AT_ONCE
        self._build = BuildState(position, 0) if self._is_live else None
        return self._build

    def built(self, build: BuildState, state: PbxState | None) -> bool:
        """Use a state that was built (None: that failed). False: the replay has continued elsewhere since."""
        if build is not self._build:
            return False
        self._build = None
        if state is None:
            self._is_live = False
        else:
            state.feed(self.pbx.waiting(), sys.maxsize)
            vars(self.pbx).update(vars(state))
        return True
