"""An event loop that reads one socket without asyncio's overhead for each read. Linux only, and optional.

Most of the saving comes from reading together the data of 3 ms (`event_stream.py`), which works with asyncio's loop
too. At 3,500 events a second this loop takes 3.9 to 4.7 % of a core, asyncio's with the same pauses 5.6 to 6.1 %.
While the one socket is the only work, the loop stays in `select` and calls a function that reads.
"""

import asyncio
import os
import select
import selectors
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVarTuple

__all__ = ["CaptureLoop"]

_Ts = TypeVarTuple("_Ts")


class CaptureLoop(asyncio.SelectorEventLoop):
    """Use it as the `loop_factory` of `asyncio.Runner`."""

    def __init__(self) -> None:
        self._direct = _Selector()
        super().__init__(self._direct)

    def read_directly(self, fd: int, read: Callable[[], bool]) -> None:
        """Call `read` when `fd` is readable, instead of asyncio's reader. If it returns False, asyncio reads itself.

        This ends when asyncio stops reading `fd`. Only one `fd` at a time.
        """
        self._direct.fd, self._direct.read = fd, read

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Add the reader, and note the change: `read` may have caused it."""
        self._direct.is_wanted = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Remove the reader, and note the change."""
        self._direct.is_wanted = True
        return super().call_at(when, callback, *args, context=context)


class _Selector(selectors.EpollSelector):
    """Reads `fd` by `read`, until the loop `is_wanted`, the time is over, or there is other work."""

    fd = -1
    read: Callable[[], bool]
    is_wanted = False

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll.fromfd(os.dup(self.fileno()))  # the same one, polled directly

    def close(self) -> None:
        self._epoll.close()
        super().close()

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        if key.fd == self.fd:
            self.fd = -1  # the number may be given to another file
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.fd < 0:
            return super().select(timeout)
        until = None if timeout is None else time.monotonic() + timeout
        ours_alone = [(self.fd, select.EPOLLIN)]
        while self._epoll.poll(timeout, 2) == ours_alone:
            self.is_wanted = False
            if not self.read():
                break
            if until is not None:
                timeout = max(until - time.monotonic(), 0)
            if self.is_wanted or timeout == 0:
                return []
        return super().select(0)
