"""Prefetch: reads ahead from an iterator, in a thread."""

import asyncio
import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

__all__ = ["Prefetch"]

_END: Final = object()

Item = TypeVar("Item")


def _step_back() -> None:
    """Lower the priority of this thread: others go first. Linux has a priority for each thread; others do not."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class Prefetch(Iterator[Item], Generic[Item]):
    """The items of an iterator, a few of them taken in advance. An exception is raised in the place of its item.

    `next` blocks the event loop until the item is ready. `is_ready` reports whether it would return at once, and `wait`
    waits without blocking.
    """

    def __init__(self, items: Iterator[Item], count: int) -> None:
        self._items = items
        self._thread = ThreadPoolExecutor(1, "read-ahead", _step_back)
        self._coming: deque[Future[Item]] = deque(self._another() for _ in range(count))

    def __next__(self) -> Item:
        item = self._coming[0].result()
        if item is _END:
            raise StopIteration
        self._coming.popleft()
        self._coming.append(self._another())
        return item

    @property
    def is_ready(self) -> bool:
        """Whether the next item, or the end, is ready."""
        return self._coming[0].done()

    @property
    def is_full(self) -> bool:
        """Whether all items that may be taken in advance are ready: the thread is idle."""
        return self._coming[-1].done()

    async def wait(self) -> None:
        """Wait until the next item is ready."""
        with contextlib.suppress(Exception):  # `next` raises it
            await asyncio.wrap_future(self._coming[0])

    def close(self) -> None:
        """Stop reading."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _another(self) -> Future[Item]:
        return self._thread.submit(next, self._items, _END)  # type: ignore[arg-type]  # _END is compared with only
