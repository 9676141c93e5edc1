"""Waiting for what has no event of its own."""

import threading
from collections.abc import Callable

__all__ = ["HANG_S", "wait_for"]

HANG_S = 300.0
"""A hang guard: what has not ended by then never will. Not a limit of anything that is tested, and far beyond what the
slowest machine needs: a test that is slow beside other work is not a fault.
"""


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return as soon as it is so; fail when it never comes to be."""
    waiting = threading.Event()
    for _ in range(int(HANG_S * 100)):
        if is_so():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came to be")
