"""Waiting for what has no event of its own."""

import threading
from collections.abc import Callable


def wait_for(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Return as soon as it is so; fail when it never comes to be."""
    waiting = threading.Event()
    for _ in range(int(seconds * 100)):
        if is_so():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came to be")
