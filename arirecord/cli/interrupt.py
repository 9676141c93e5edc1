"""Ctrl-C ends a command, even if DuckDB hangs."""

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["ended_in_any_case"]


@contextmanager
def ended_in_any_case(patience_s: float = 5) -> Iterator[None]:
    """Let Ctrl-C end the process in this block, at the latest `patience_s` after it.

    If interrupted at the wrong moment, DuckDB 2.0 waits forever. Then the exit code is 1, otherwise 130.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)

    def stop(number: int, frame: FrameType | None) -> None:
        # This timer is a thread in C: DuckDB may wait while it holds Python's lock.
        faulthandler.dump_traceback_later(patience_s, exit=True, file=nowhere)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        faulthandler.cancel_dump_traceback_later()
        os.close(nowhere)
