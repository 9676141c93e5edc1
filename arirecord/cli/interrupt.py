"""Ctrl-C ends a verb, whatever DuckDB makes of it."""

import faulthandler
import os
import signal
from pathlib import Path
from types import FrameType

__all__ = ["end_in_any_case"]


def end_in_any_case(patience_s: float = 5) -> None:
    """From now on Ctrl-C ends this process with exit code 1, at the latest `patience_s` after it came.

    Interrupted at the wrong moment, DuckDB 2.0 waits for ever.
    """
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process

    def stop(number: int, frame: FrameType | None) -> None:
        # Its clock is a thread of C: DuckDB may wait with Python's lock in its hands.
        faulthandler.dump_traceback_later(patience_s, exit=True, file=nowhere)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, stop)
