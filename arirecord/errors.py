"""What can go wrong, in the words shown to the user.

Every error that arirecord raises on purpose is an `ArirecordError`; its text says what is wrong, where, and what to do.

- `ArirecordError`
    - `NotASession`: a file that is no session, or of a newer format
    - `JournalError`: a journal that can't be read, or that somebody is writing
    - `TargetExists`: an output that would be overwritten
    - `CaptureError`: no connection to Asterisk could be made
    - `UnknownName`: a table, column, model or parameter that does not exist; also a `KeyError` and a `ValueError`
"""

__all__ = ["ArirecordError", "CaptureError", "JournalError", "NotASession", "TargetExists", "UnknownName"]


class ArirecordError(Exception):
    """Base of all errors raised on purpose."""


class NotASession(ArirecordError):
    """The file is not a session that this version can read."""


class JournalError(ArirecordError):
    """The journal can't be read, or is being written."""


class TargetExists(ArirecordError):
    """The output exists and nobody asked to replace it."""


class CaptureError(ArirecordError):
    """No ARI event stream could be had from the server."""


class UnknownName(ArirecordError, KeyError, ValueError):
    """A name that does not exist. The text lists the names that may be meant."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would give its repr
