"""The clock of a replay: converts between the monotonic clock and positions in the recording."""

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

__all__ = ["PlaybackClock", "TimeReference", "Wakeup"]


class TimeReference(NamedTuple):
    """At `steady_ns` of the monotonic clock, the recording was at `position_ns`."""

    position_ns: int
    steady_ns: int


class PlaybackClock:
    """Converts monotonic time to a position in the recording, and back. Both are integer nanoseconds.

    The clock starts paused, at position 0. Every change (speed, pause, resume, jump) sets a new reference, and only
    differences to the reference are scaled, by a fraction: rounding errors do not add up, however long the replay.
    `now_ns` is the monotonic clock; tests replace it. `origin_ns` is the time of the recording at position 0, in
    nanoseconds since 1970 UTC.
    """

    def __init__(
        self, speed: float | Fraction | None = 1, now_ns: Callable[[], int] = time.monotonic_ns, origin_ns: int = 0
    ) -> None:
        self.now_ns = now_ns
        self._speed = _fraction(speed)
        self._paused = True
        self._origin_ns = origin_ns
        self._reference = TimeReference(0, now_ns())

    @property
    def speed(self) -> Fraction | None:
        """Seconds of the recording per second; None if everything is due at once."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether the clock is stopped."""
        return self._paused

    def position_ns(self) -> int:
        """The current position. Without a speed it changes only by `jump`."""
        if self._paused or self._speed is None:
            return self._reference.position_ns
        passed_ns = self.now_ns() - self._reference.steady_ns
        return self._reference.position_ns + passed_ns * self._speed.numerator // self._speed.denominator

    def recording_ns(self) -> int:
        """The time of the recording at the current position, since 1970 UTC."""
        return self._origin_ns + self.position_ns()

    def set_origin(self, origin_ns: int) -> None:
        """Change the time of the recording at position 0: the recording was interrupted, or starts again."""
        self._origin_ns = origin_ns

    def horizon_ns(self) -> int | None:
        """Everything up to this position is due; None: everything is due."""
        return None if self._speed is None and not self._paused else self.position_ns()

    def due_ns(self, position_ns: int) -> int | None:
        """When a position is reached, on the monotonic clock: the first nanosecond at or after it.

        It may be in the past. None while paused.
        """
        if self._paused:
            return None
        if self._speed is None:
            return self._reference.steady_ns
        ahead_ns = position_ns - self._reference.position_ns
        return self._reference.steady_ns - (-ahead_ns * self._speed.denominator // self._speed.numerator)

    def set_speed(self, speed: float | Fraction | None) -> None:
        """Continue from here at another speed. Raises `ValueError` unless it is a finite number above 0 or None."""
        fraction = _fraction(speed)
        self.jump(self.position_ns())
        self._speed = fraction

    def pause(self) -> None:
        """Stop the clock at the current position."""
        self.jump(self.position_ns())
        self._paused = True

    def resume(self) -> None:
        """Start the clock at the current position."""
        self.jump(self.position_ns())
        self._paused = False

    def jump(self, position_ns: int) -> None:
        """Move to another position."""
        self._reference = TimeReference(position_ns, self.now_ns())


def _fraction(speed: float | Fraction | None) -> Fraction | None:
    if speed is None:
        return None
    try:
        # By way of its text: 0.1 means a tenth, not the binary number next to it.
        fraction = Fraction(str(speed))
    except ValueError:
        fraction = Fraction(0)
    if fraction <= 0:
        raise ValueError(f"{speed} is not a speed: it must be a number above 0, or None for as fast as possible")
    return fraction


_EARLY_S = 0.0005

_LONG_S = 0.002
"""A processor that slept longer than this wakes slowly: the task wakes early and then sleeps in short steps."""


class Wakeup:
    """An alarm: one task sleeps on it, any code on the same event loop may wake it.

    Cheaper than `asyncio.wait_for`, which makes a task.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake the sleeper, if there is one."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def sleep(self, delay_ns: int | None) -> None:
        """Sleep for this many nanoseconds (None: without end) or until `ring`."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        if delay_ns is None:
            self._timer = None
        elif (delay_s := delay_ns / 1e9) < _LONG_S:
            self._timer = loop.call_later(delay_s, self.ring)
        else:
            due_s = loop.time() + delay_s
            self._timer = loop.call_at(due_s - _EARLY_S, self._doze, due_s)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self._timer is not None:
                self._timer.cancel()

    def _doze(self, due_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due_s, self.ring)
