"""The recorder, behind a guard: whatever goes wrong with it is told and counted, and goes no further."""

from collections.abc import Callable
from typing import Any

from arirecord.capture.recorder import Recorder

__all__ = ["SafeRecorder"]


class SafeRecorder:
    """Keeps rows in a recorder, and never raises. `lost_count` are the rows that the recorder did not take.

    `say` gets a sentence when recording begins to fail.
    """

    def __init__(self, recorder: Recorder, say: Callable[[str], None]) -> None:
        self.lost_count = 0
        self._recorder = recorder
        self._say = say
        self._has_failed = False

    def frame(self, data: bytes) -> None:
        """Keep one message from Asterisk."""
        self._guard(self._recorder.frame, data)

    def connection(self, what: str, **fields: Any) -> None:
        """Keep what happened to a connection; see `Recorder.connection`."""
        self._guard(self._recorder.connection, what, **fields)

    def rest(self, method: str, **fields: Any) -> None:
        """Keep a REST exchange of an application; see `Recorder.rest`."""
        self._guard(self._recorder.rest, method, by="app", **fields)

    def missed(self, why: str, count: int = 1) -> None:
        """Note that `count` rows could not be kept, and say why if it is the first time."""
        self.lost_count += count
        if not self._has_failed:
            self._has_failed = True
            self._say(f"RECORDING IS INCOMPLETE: {why}. The applications are not affected; everything is passed on.")

    def _guard(self, do: Callable[..., None], *args: Any, **fields: Any) -> None:
        try:
            do(*args, **fields)
        except Exception as error:
            self.missed(f"the recorder fails ({type(error).__name__}: {error})")
