"""Limits of a server: how many connections, and how long to wait for a request."""

import asyncio
import errno
import resource
from collections.abc import Callable
from typing import Any

__all__ = ["Deadline", "connection_limit", "report_full"]

_RESERVED_FILES = 100
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def connection_limit(files_each: int) -> int:
    """How many connections this process can have, by its limit of open files; at most 100,000."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 200_000 if soft == resource.RLIM_INFINITY else soft
    return max(1, min(100_000, (files - _RESERVED_FILES) // files_each))


class Deadline:
    """Calls `expire` once `timeout_s` after `start`, unless `stop` comes first. A second `start` changes nothing."""

    def __init__(self, timeout_s: float, expire: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to wait."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._timeout_s, self._expire)

    def stop(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def report_full(say: Callable[[str], None]) -> None:
    """Report once that this process can open no more files, instead of a traceback for each connection it can't accept.

    asyncio accepts them later. Changes the running event loop.
    """
    loop, is_reported = asyncio.get_running_loop(), False
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal is_reported
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _FULL and "socket" in context:
            if not is_reported:
                is_reported = True
                say("New connections wait: this process can open no more files (`ulimit -n`).")
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
