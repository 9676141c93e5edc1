"""Things of one kind that come and go: channels, bridges, playbacks …"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["ResourceTable"]

_REMEMBERED: Final = 10_000


class ResourceTable:
    """What is there, by id, in the order in which it came; each thing is a JSON object in ARI's shape.

    Remembers the latest that have gone, because events about a channel may come after its end. `at_ns` is a place in
    the recording.
    """

    def __init__(self) -> None:
        self.items: dict[str, Mapping[str, Any]] = {}
        self._seen_ns: dict[str, int] = {}
        self._gone: dict[str, None] = {}

    def put(self, key: str, item: Mapping[str, Any], at_ns: int, begins: bool = False) -> bool:
        """There it is, or it is like this now. What has gone comes back only when it `begins`; False: it is gone."""
        if begins:
            self._gone.pop(key, None)
        elif key in self._gone:
            return False
        self.items[key] = item
        self._seen_ns[key] = at_ns
        return True

    def was(self, key: str) -> bool:
        """Whether it is there, or was."""
        return key in self.items or key in self._gone

    def has_gone(self, key: str) -> bool:
        """Whether it was there, and is not any more."""
        return key in self._gone

    def drop(self, key: str) -> None:
        """It has gone."""
        self.items.pop(key, None)
        self._seen_ns.pop(key, None)
        self._gone[key] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def replace(self, items: Iterable[tuple[str, Mapping[str, Any]]], asked_ns: int, at_ns: int) -> None:
        """These are all that there were at some moment after `asked_ns`; what events told since then is newer."""
        told = dict(items)
        for key in [key for key in self.items if key not in told and self._seen_ns[key] < asked_ns]:
            self.drop(key)
        for key, item in told.items():
            if self._seen_ns.get(key, -1) < asked_ns:
                self.put(key, item, at_ns)
