"""Base class of the servers of tap and replay: an `async with` block, and the tasks that run in it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Self

__all__ = ["AsyncBlock", "task_group"]


class AsyncBlock(ABC):
    """Works while its `async with` block runs; a subclass writes the block as the context manager `_run`."""

    _running: AbstractAsyncContextManager[None]

    @abstractmethod
    def _run(self) -> AbstractAsyncContextManager[None]: ...

    async def __aenter__(self) -> Self:
        self._running = self._run()
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._running.__aexit__(kind, error, trace)


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises an exception of its block as it is, not in an exception group."""
    failed: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield tasks
        except Exception as error:
            failed = error
    if failed is not None:
        raise failed
