"""Signals of a running recording."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.rotation import Target

__all__ = ["SignalledRecording", "handle_signals"]


class SignalledRecording(NamedTuple):
    """The parts of a recording that signals act on: the target, the recorder if it exists, the event that ends it."""

    target: "Target"
    recorder: "Callable[[], Recorder | None]"
    stop: asyncio.Event


def handle_signals(recordings: Sequence[SignalledRecording]) -> None:
    """Let Ctrl-C and SIGTERM end all recordings. SIGHUP begins a new part of each folder; it ends the recording of a
    file, unless the process was started to ignore it (`nohup`).
    """
    from arirecord.capture.rotation import Folder

    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def end() -> None:
        for each in recordings:
            each.stop.set()

    def hang_up() -> None:
        for each in recordings:
            if not isinstance(each.target, Folder):
                if not is_ignored:
                    each.stop.set()
            elif (running := each.recorder()) is not None:
                running.split()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    if not is_ignored or any(isinstance(each.target, Folder) for each in recordings):
        loop.add_signal_handler(signal.SIGHUP, hang_up)
