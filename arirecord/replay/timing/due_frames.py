"""Decides which frames are due. No access to files or sockets; frames are fed to it and taken from it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from arirecord.session.reader import Frame

from .clock import PlaybackClock

__all__ = ["DueFrames", "timeline"]

_STORE = 2048
_BATCH = 256


class DueFrames:
    """Returns frames in order when the clock makes them due.

    Call `feed` while it is `hungry`, and `end` after the last frame. The clock is set to the first frame, so that it
    goes out at once. From there every frame has an absolute due time: a late frame does not delay the next one.

        due_frames.feed(frames)
        batch = due_frames.take()           # everything due by now, or a first part of it
        wake_ns = due_frames.next_due_ns()  # when to call it again
    """

    def __init__(self, clock: PlaybackClock) -> None:
        self.clock = clock
        self._store: deque[Frame] = deque()
        self._begun = False
        self._ended = False

    def feed(self, frames: Iterable[Frame]) -> None:
        """Add the next frames. `elapsed_ns` is their position in the recording."""
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
        """Whether to feed more frames: the store is small to save memory, and not empty to avoid waits for the disk."""
        return not self._ended and len(self._store) < _STORE

    @property
    def empty(self) -> bool:
        """Whether the store is empty: no frame can be taken until more are fed."""
        return not self._store

    @property
    def finished(self) -> bool:
        """Whether the last frame was taken."""
        return self._ended and not self._store

    def take(self, limit: int = _BATCH) -> list[Frame]:
        """The frames that are due now, in order, at most `limit`; never a frame before its time."""
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
        """The next frame, due or not; the clock moves there. None if the store is empty."""
        if not self._store:
            return None
        frame = self._store.popleft()
        self.clock.jump(frame.elapsed_ns)
        return frame

    def restart(self) -> None:
        """Empty the store: frames from another position follow."""
        self._store.clear()
        self._begun = self._ended = False

    def give_back(self, frames: Sequence[Frame]) -> None:
        """Undo the taking of the last frames of a batch."""
        self._store.extendleft(reversed(frames))

    def next_due_ns(self) -> int | None:
        """When the next frame is due, on the monotonic clock; None while paused or with an empty store."""
        return self.clock.due_ns(self._store[0].elapsed_ns) if self._store else None


def timeline(frames: Iterable[Frame], started_ns: int) -> Iterator[Frame]:
    """The frames with `elapsed_ns` counted from `started_ns` (since 1970 UTC) and never decreasing.

    A session of one file has that already. In a folder each file counts from its own start.
    """
    reached_ns = 0
    for frame in frames:
        reached_ns = max(reached_ns, frame.t_ns - started_ns)
        yield frame if frame.elapsed_ns == reached_ns else frame._replace(elapsed_ns=reached_ns)
