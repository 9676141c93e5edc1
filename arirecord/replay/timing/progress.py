"""The progress of a replay through the rows of the recording, and the rows at which it stops."""

from collections.abc import Collection, Sequence
from typing import Final

from arirecord.select.times import Position
from arirecord.session.reader import Frame

from .pacing import AGAIN, GATE

__all__ = ["Place", "Progress"]

Place = tuple[int, int]
"""The time of a row, since 1970 UTC, and its number: places compare as the recording goes."""

_START: Final = (0, -1)


class Progress:
    """The `place` of the latest row that was taken. At the `stops`, responses to clients are due.

    `times` has each place at which rows were taken, and when (monotonic, in nanoseconds), if it is a list.
    """

    def __init__(self) -> None:
        self.place: Place = _START
        self.stops: Collection[Place] = ()
        self.times: list[tuple[Place, int]] | None = None
        self._lead_end: Place = _START

    def restart(self, position: Position | None = None) -> None:
        """The recording starts again, or continues at a position."""
        self.place = self._lead_end = _START if position is None else (position.ns, position.seq - 1)

    @property
    def is_at_start(self) -> bool:
        """Whether no row was taken yet."""
        return self.place == _START

    def lead(self, frames: Sequence[Frame]) -> None:
        """Take the rows before all events."""
        self.take(frames)
        self._lead_end = self.place

    def take(self, frames: Sequence[Frame], now_ns: int = 0) -> None:
        """Take rows; markers have no place."""
        last = next((frame for frame in reversed(frames) if frame.kind not in (AGAIN, GATE)), None)
        if last is not None:
            self.place = (last.t_ns, last.seq)
            if self.times is not None:
                self.times.append((self.place, now_ns))

    def give_back(self, frames: Sequence[Frame]) -> None:
        """Undo the taking of the latest rows."""
        self.place = (frames[0].t_ns, frames[0].seq - 1)

    def is_at(self, place: Place) -> bool:
        """Whether the latest row has this place, or no event was taken yet and the place is before all events."""
        return place == self.place or place <= self.place <= self._lead_end

    def up_to_stop(self, frames: Sequence[Frame]) -> int:
        """The number of frames up to the first stop."""
        for count, frame in enumerate(frames, 1) if self.stops else ():
            if frame.kind == "rest" and (frame.t_ns, frame.seq) in self.stops:
                return count
        return len(frames)
