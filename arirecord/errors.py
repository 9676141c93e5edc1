"""What can go wrong, in the words shown to the user.

Every error that arirecord raises on purpose is an `ArirecordError`; its text says what is wrong, where, and what to do.

- `ArirecordError`
    - `NotASession`: a file that is no session, or of a newer format
    - `JournalError`: a journal that can't be read, or that somebody is writing
    - `TargetExists`: an output that would be overwritten
    - `CaptureError`: no connection to Asterisk could be made
"""

__all__ = ["ArirecordError", "CaptureError", "JournalError", "NotASession", "TargetExists"]


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
