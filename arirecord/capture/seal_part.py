"""The process that seals one part of a recording: `python -m arirecord.capture.seal_part JOURNAL SESSION`.

It ends with its parent: standard input is a pipe from it, which the system closes when the parent ends in any way.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from arirecord.errors import ArirecordError
from arirecord.session.seal import recover

__all__ = ["main"]

_PATIENCE_S = 5


def main() -> None:
    """Seal the part that the arguments name. The exit code is 1 on failure; the reason goes to stderr."""
    _yield_to_recorder()
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        recover(*map(Path, sys.argv[1:]))
    except (ArirecordError, OSError, MemoryError) as error:
        sys.exit(str(error) or type(error).__name__)


def _yield_to_recorder() -> None:
    """Give the recorder the processor, and if memory is short, let the system end this process and not the recorder."""
    os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise, so that no unfinished file is left."""
    sys.exit("it was stopped")


def _end_with_parent() -> None:
    os.read(0, 1)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    threading.Event().wait(_PATIENCE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
