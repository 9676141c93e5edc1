"""A recorder whose failures are reported and counted, and do not affect the app."""

from collections.abc import Callable
from typing import Any

from arirecord.capture.recorder import Recorder

__all__ = ["SafeRecorder"]


class SafeRecorder:
    """Passes rows to a recorder, and never raises. `lost_count` is the number of rows that the recorder did not take.

    `say` receives a message when recording begins to fail.
    """

    def __init__(self, recorder: Recorder, say: Callable[[str], None]) -> None:
        self.lost_count = 0
        self._recorder = recorder
        self._say = say
        self._has_failed = False

    def frame(self, data: bytes) -> None:
        """Record one message from Asterisk."""
        self._guard(self._recorder.frame, data)

    def connection(self, event: str, **fields: Any) -> None:
        """Record a change of a connection; see `Recorder.connection`."""
        self._guard(self._recorder.connection, event, **fields)

    def rest(self, method: str, **fields: Any) -> None:
        """Record a REST exchange of an app; see `Recorder.rest`."""
        self._guard(self._recorder.rest, method, by="app", **fields)

    def missed(self, why: str, count: int = 1) -> None:
        """Count `count` rows that could not be recorded; the first time, report why."""
        self.lost_count += count
        if not self._has_failed:
            self._has_failed = True
            self._say(f"RECORDING IS INCOMPLETE: {why}. The applications are not affected; everything is passed on.")

    def _guard(self, do: Callable[..., None], *args: Any, **fields: Any) -> None:
        try:
            do(*args, **fields)
        except Exception as error:
            self.missed(f"the recorder fails ({type(error).__name__}: {error})")
