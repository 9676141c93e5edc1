"""Giving a recording back as Asterisk would send it. To be called, too: `arirecord.replay("session.parquet")`."""

import sys
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Replay


class _Callable(ModuleType):
    """A package of this name and a function of this name: the package is the function."""

    def __call__(self, *args: Any, **options: Any) -> AbstractAsyncContextManager["Replay"]:
        """As `arirecord.replay.api.replay`, which is loaded when it is called."""
        from .api import replay

        return replay(*args, **options)


sys.modules[__name__].__class__ = _Callable
