"""The models of one server of which tables are kept."""

from collections.abc import Callable, Collection
from functools import cached_property

from .kept_tables import KeptTables, is_derivable
from .server_models import ModelOptions, ServerModels

__all__ = ["KeptServerModels"]


class KeptServerModels:
    """Kept tables and what follows from them; other models are computed from the events, in a schema of their own.

    tables: the kept tables of the server.
    make: makes the models of the server in its schema `home`.
    """

    def __init__(self, tables: KeptTables, make: Callable[..., ServerModels], home: str) -> None:
        self.home = home
        self._make = make
        self._kept = make(options=ModelOptions(tables.given, restarts=tables.restarts, is_kept=True))

    def need(self, names: Collection[str], begin: Callable[[str], object]) -> None:
        """Create the named models, as `ServerModels` does."""
        self._kept.need([each for each in names if is_derivable(each)], begin)
        if others := [each for each in names if not is_derivable(each)]:
            self._computed.need(others, begin)

    @cached_property
    def _computed(self) -> ServerModels:
        return self._make(options=ModelOptions(schema=f"events_of_{self.home}"))
