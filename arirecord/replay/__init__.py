"""Replay a session as Asterisk would send it. The package can be called: `arirecord.replay("session.parquet")`."""

import sys
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Replay


class _Callable(ModuleType):
    """A package that is also a function: a call of it is a call of `arirecord.replay.api.replay`."""

    def __call__(self, *args: Any, **options: Any) -> AbstractAsyncContextManager["Replay"]:
        """Call `arirecord.replay.api.replay`, which is loaded at the first call."""
        from .api import replay

        return replay(*args, **options)


sys.modules[__name__].__class__ = _Callable
