"""Waiting for an instant or for somebody to ring, whichever comes first."""

import asyncio

__all__ = ["Wakeup"]

_EARLY_S = 0.0005
_LONG_S = 0.002
"""A processor that has slept so long takes a while to come to itself: it is woken early, and sleeps on lightly."""


class Wakeup:
    """One task sleeps on it, anybody on the same event loop may wake it.

    Cheaper than `asyncio.wait_for`, which makes a task.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake the sleeper; without one, nothing happens."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def sleep(self, delay_ns: int | None) -> None:
        """Sleep so many nanoseconds (None: without end) or until it rings."""
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
