"""arirecord: record, replay and measure telephone calls made with Asterisk.

The public names; everything else may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from arirecord.analytics import connect
    from arirecord.api import Session, open_session
    from arirecord.errors import (
        ArirecordError,
        CaptureError,
        ConnectionRefused,
        JournalError,
        LeakError,
        NoEvents,
        NoSuchCall,
        NotASession,
        NothingKept,
        ReplayError,
        TargetExists,
        UnknownName,
        VerifyError,
    )
    from arirecord.replay.api import replay
    from arirecord.session.reader import Frame

__all__ = [
    "ArirecordError",
    "CaptureError",
    "ConnectionRefused",
    "Frame",
    "JournalError",
    "LeakError",
    "NoEvents",
    "NoSuchCall",
    "NotASession",
    "NothingKept",
    "ReplayError",
    "Session",
    "TargetExists",
    "UnknownName",
    "VerifyError",
    "__version__",
    "connect",
    "open_session",
    "replay",
]

# Loaded when first asked for: `arirecord --help` must not pay for DuckDB.
_HOMES = {
    "Frame": "arirecord.session.reader",
    "Session": "arirecord.api",
    "connect": "arirecord.analytics",
    "open_session": "arirecord.api",
}


def __getattr__(name: str) -> Any:
    if name == "replay":  # the package itself can be called
        return import_module("arirecord.replay")
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "arirecord.errors")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
