"""Signals of a running recording."""

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.rotation import Target

__all__ = ["handle_signals"]


def handle_signals(target: "Target", recorder: "Callable[[], Recorder | None]", stop: asyncio.Event) -> None:
    """Let Ctrl-C and SIGTERM set `stop`. SIGHUP begins a new part of a folder; it ends the recording of a file, unless
    the process was started to ignore it (`nohup`).
    """
    from arirecord.capture.rotation import Folder

    def split() -> None:
        if (running := recorder()) is not None:
            running.split()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if isinstance(target, Folder):
        loop.add_signal_handler(signal.SIGHUP, split)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop.set)
