"""Errors that arirecord raises on purpose; all of them can be caught as `arirecord.X`.

The text of each says what is wrong, where, and what to do.

- `ArirecordError`
    - `CaptureError`: no connection to Asterisk could be made
        - `ConnectionRefused`: Asterisk answered the WebSocket handshake with an HTTP status
    - `JournalError`: a journal that cannot be read, or that another process is writing
    - `LeakError`: a redacted session still held an original
    - `NoEvents`: a file to import does not hold any ARI event
    - `NoSuchCall`: no call, or more than one, has this id or number; also a `LookupError`
    - `NotASession`: a file that is not a session, or of a newer format
    - `NothingKept`: a selection keeps no event
    - `OtlpError`: a file of OpenTelemetry traces cannot be read
    - `ReplayError`: a recording cannot be replayed
    - `RuleError`: a rules file cannot be read, or a rule is not valid
    - `ShardError`: tables cannot be computed window by window
    - `StorageError`: an object store cannot be reached, or refuses a request; also an `OSError`
    - `TargetExists`: an output would be overwritten
    - `UnknownName`: a table, column, model or parameter does not exist; also a `KeyError` and a `ValueError`
    - `VerifyError`: a recording cannot be verified
"""

__all__ = [
    "ArirecordError", "CaptureError", "ConnectionRefused", "JournalError", "LeakError", "NoEvents", "NoSuchCall",
    "NotASession", "NothingKept", "OtlpError", "ReplayError", "RuleError", "ShardError", "StorageError", "TargetExists",
    "UnknownName", "VerifyError", "is_out_of_memory",
]  # fmt: skip


_MEMORY = ("alloc of size", "bad_alloc", "Out of Memory", "can't start new thread", "Cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory was short. Arrow, DuckDB and threads report it by other errors than `MemoryError`, too."""
    return isinstance(error, MemoryError) or any(text in str(error) for text in _MEMORY)


class ArirecordError(Exception):
    """Base of all errors raised on purpose."""


class CaptureError(ArirecordError):
    """No connection to Asterisk could be made, or it gave no event stream."""


class ConnectionRefused(CaptureError):
    """Asterisk answered the WebSocket handshake with an HTTP `status` other than 101."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class JournalError(ArirecordError):
    """The journal cannot be read, or another process is writing it."""


class LeakError(ArirecordError):
    """The redacted session still held an original; it was not kept."""


class NoEvents(ArirecordError):
    """A file to import does not hold any ARI event."""


class NoSuchCall(ArirecordError, LookupError):
    """No call, or more than one, has this id or number."""


class NotASession(ArirecordError):
    """The file is not a session that this version can read."""


class NothingKept(ArirecordError):
    """A selection keeps no event, so that no session is made."""


class OtlpError(ArirecordError):
    """A file of OpenTelemetry traces cannot be read."""


class ReplayError(ArirecordError):
    """A recording cannot be replayed: the address is in use, the session is damaged, or an option does not fit it."""


class RuleError(ArirecordError):
    """A rules file cannot be read, or a rule in it is not valid: the text names the file and the rule."""


class ShardError(ArirecordError):
    """Tables cannot be computed window by window: a link leads out of a window's calls."""


class StorageError(ArirecordError, OSError):
    """An object store cannot be reached, or refuses a request: credentials, bucket, network."""


class TargetExists(ArirecordError):
    """The output exists, and replacing it was not requested."""


class UnknownName(ArirecordError, KeyError, ValueError):
    """A name that does not exist. The text lists the names that may be meant."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would give its repr


class VerifyError(ArirecordError):
    """A recording cannot be verified: it has nothing to compare, or the app does not start or connect."""
