"""The start of a process: Ctrl-C until a verb runs ends it at once and without a traceback; a limit of memory is kept.

Imports only what Python itself has loaded by then, so that it is in effect before anything else is imported:
`signal`, which imports `enum`, takes ten times as long as all else until here.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import FrameType
else:
    import _signal as signal

__all__ = ["INTERRUPTED", "end_at_ctrl_c", "fit_address_space", "raise_at_ctrl_c"]

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the signal's number."""


def end_at_ctrl_c() -> None:
    """From now on, Ctrl-C ends the process. Nothing has been begun that must be finished.

    An exception would not do: raised within an import, it comes out as a traceback or as another error. Raised within
    the import of orjson 3.13, it ends the process with a segmentation fault.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as under nohup
        signal.signal(signal.SIGINT, _end)


def raise_at_ctrl_c() -> None:
    """From now on, Ctrl-C raises `KeyboardInterrupt` again, if `end_at_ctrl_c` changed that."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def fit_address_space() -> None:
    """Where the address space is limited (`ulimit -v`), take memory for Arrow from the system as it is needed.

    Arrow's own allocator reserves a gigabyte of addresses at its first use. Arrow reads the setting when imported.
    """
    import resource

    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def _end(number: int, frame: "FrameType | None") -> None:
    os.write(2, b"Aborted!\n")
    os._exit(INTERRUPTED)
