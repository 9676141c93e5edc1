"""Waiting for an instant or for somebody to ring, whichever comes first."""

import asyncio

__all__ = ["Alarm"]


class Alarm:
    """One task sleeps on it, anybody on the same event loop may wake it.

    Cheaper than `asyncio.wait_for`, which makes a task.
    """

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the sleeper; without one, nothing happens."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def sleep(self, delay_ns: int | None) -> None:
        """Sleep so many nanoseconds (None: without end) or until it rings."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if delay_ns is None else loop.call_later(delay_ns / 1e9, self.ring)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
