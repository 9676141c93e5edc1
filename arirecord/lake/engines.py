"""Engines: what runs the tasks of kept tables. Each task is one call of a function that writes files."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Protocol, TypeVar

__all__ = ["Engine", "LocalEngine"]

Task = TypeVar("Task")
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class Engine(Protocol):
    """Runs a function for each task and yields the results as they come, in any order.

    Function, tasks and results can be pickled. An error of a task is raised here.
    """

    def run(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Run `function` for each task."""
        ...


class LocalEngine:
    """Runs tasks in processes of this machine.

    workers: the number of processes; None: one for each core that this process may use.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or len(os.sched_getaffinity(0))

    def run(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Run `function` for each task; a single task, or those of one worker, in this process."""
        workers = min(self._workers, len(tasks))
        if workers < 2:
            yield from map(function, tasks)
            return
        try:  # not forked: DuckDB's threads do not survive it
            pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        except OSError as error:  # locks between processes are files in /dev/shm
            _log.warning("tables are computed by one process, since others cannot be started: %s", error)
            yield from map(function, tasks)
            return
        with pool:
            futures = [pool.submit(function, task) for task in tasks]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()
