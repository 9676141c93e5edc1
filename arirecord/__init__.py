"""arirecord: record, replay and measure phone calls made with Asterisk.

The public names; everything else may change.
"""

import sys

__version__ = "0.1.0"

# Imports are late: until `arirecord.startup` has run, Ctrl-C ends the command with a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

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
        OtlpError,
        ReplayError,
        RuleError,
        ShardError,
        StorageError,
        TargetExists,
        UnknownName,
        VerifyError,
    )
    from arirecord.replay.api import replay
    from arirecord.session.reader import Frame
else:
    ModuleType = type(sys)

__all__ = [
    "ArirecordError", "CaptureError", "ConnectionRefused", "Frame", "JournalError", "LeakError", "NoEvents",
    "NoSuchCall", "NotASession", "NothingKept", "OtlpError", "ReplayError", "RuleError", "Session", "ShardError",
    "StorageError", "TargetExists", "UnknownName", "VerifyError", "__version__", "connect", "open_session", "replay",
]  # fmt: skip

# Loaded when first asked for: `arirecord --help` must not pay for DuckDB.
_HOMES = {
    "Frame": "arirecord.session.reader",
    "Session": "arirecord.api",
    "connect": "arirecord.analytics",
    "open_session": "arirecord.api",
    "replay": "arirecord.replay.api",
}


def __getattr__(name: str) -> "Any":
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(_HOMES.get(name, "arirecord.errors")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `arirecord.replay` the function: the import of a submodule sets the name to the package `replay`."""

    @property
    def replay(self) -> "Any":
        return __getattr__("replay")

    @replay.setter
    def replay(self, package: object) -> None: ...


sys.modules[__name__].__class__ = _Package
