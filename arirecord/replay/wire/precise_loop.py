"""An event loop that wakes to the microsecond and takes any number of connections."""

import asyncio
import select
import selectors

__all__ = ["precise_loop"]

_MOST_OF_SELECT = 1024


def precise_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop. Use it as the `loop_factory` of `asyncio.Runner`.

    epoll sleeps to the millisecond, which would be most of a replay's lateness. select() sleeps to the microsecond, and
    fails from the 1,024th file on. So select() waits for one file only: that of epoll.
    """
    return asyncio.SelectorEventLoop(_PreciseSelector() if hasattr(select, "epoll") else selectors.DefaultSelector())


if hasattr(select, "epoll"):

    class _PreciseSelector(selectors.EpollSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if (timeout is None or timeout > 0) and self.fileno() < _MOST_OF_SELECT:
                select.select((self.fileno(),), (), (), timeout)
                timeout = 0
            return super().select(timeout)
