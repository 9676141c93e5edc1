"""The player: which frames are due. Knows no file, no socket and no waiting; frames are fed to it and taken from it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from arirecord.session.reader import Frame

from .clock import PlayerClock

__all__ = ["Player", "timeline"]

_STORE = 2048
_BATCH = 256


class Player:
    """Gives out frames, in order, when the clock says that they are due.

    Feed it with `feed` while it is `hungry`, and `end` it after the last. The clock is set to the first
    frame, so that it goes out at once; from there every frame has an absolute due time, and a late one makes
    none after it late.

        player.feed(frames)
        batch = player.take()           # everything due by now, or a first part of it
        wake_ns = player.next_due_ns()  # when to come again
    """

    def __init__(self, clock: PlayerClock) -> None:
        self.clock = clock
        self._store: deque[Frame] = deque()
        self._begun = False
        self._ended = False

    def feed(self, frames: Iterable[Frame]) -> None:
        """Put in the frames that come next. `elapsed_ns` says where in the recording they are."""
        self._store.extend(frames)
        if self._store and not self._begun:
            self._begun = True
            self.clock.jump(self._store[0].elapsed_ns)

    def end(self) -> None:
        """No more frames will be fed."""
        self._ended = True

    @property
    def begun(self) -> bool:
        """Whether a frame was ever fed."""
        return self._begun

    @property
    def hungry(self) -> bool:
        """Whether more frames should be fed: holding few bounds memory, holding some saves waiting for the disk."""
        return not self._ended and len(self._store) < _STORE

    @property
    def empty(self) -> bool:
        """Whether no frame is in store: none can be taken until some are fed."""
        return not self._store

    @property
    def finished(self) -> bool:
        """Whether the last frame was taken."""
        return self._ended and not self._store

    def take(self, limit: int = _BATCH) -> list[Frame]:
        """The frames that are due now, in order, at most `limit`; never one before its time."""
        clock, store = self.clock, self._store
        if clock.paused or not store:
            return []
        horizon_ns = clock.horizon_ns()
        batch: list[Frame] = []
        while store and len(batch) < limit and (horizon_ns is None or store[0].elapsed_ns <= horizon_ns):
            batch.append(store.popleft())
        if clock.speed is None and batch:
            clock.jump(batch[-1].elapsed_ns)
        return batch

    def step(self) -> Frame | None:
        """The next frame, whether it is due or not; the clock goes there. None where none is in store."""
        if not self._store:
            return None
        frame = self._store.popleft()
        self.clock.jump(frame.elapsed_ns)
        return frame

    def restart(self) -> None:
        """Forget what is in store: frames from elsewhere are fed next."""
        self._store.clear()
        self._begun = self._ended = False

    def give_back(self, frames: Sequence[Frame]) -> None:
        """Undo the taking of the last frames of a batch, which could not be used."""
        self._store.extendleft(reversed(frames))

    def next_due_ns(self) -> int | None:
        """When the next frame is due, on the monotonic clock; None while paused or without a frame in store."""
        return self.clock.due_ns(self._store[0].elapsed_ns) if self._store else None


def timeline(frames: Iterable[Frame], started_ns: int) -> Iterator[Frame]:
    """The frames with `elapsed_ns` counted from `started_ns` (since 1970 UTC) and never falling.

    In a session of one file that is what they have. In a folder each file counts from its own start.
    """
    reached_ns = 0
    for frame in frames:
        reached_ns = max(reached_ns, frame.t_ns - started_ns)
        yield frame if frame.elapsed_ns == reached_ns else frame._replace(elapsed_ns=reached_ns)
