"""The frames of one call; the caller of a replay names the call by its channels and bridges."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from arirecord.json_text import json_object
from arirecord.select.times import Position
from arirecord.session.reader import Frame

__all__ = ["CallFrames"]

_PLAIN = re.compile(r"[A-Za-z0-9._;@:+-]+")


@dataclass(frozen=True)
class CallFrames:
    """One call: the ids of its channels and of their bridges; `begin` and `end` are its positions."""

    call_id: str
    channel_ids: frozenset[str]
    bridge_ids: frozenset[str]
    begin: Position
    end: Position

    def has(self, frame: Frame) -> bool:
        """Whether an event belongs to the call: it names one of its channels, or only one of its bridges."""
        if frame.kind != "event" or (self._any_id is not None and self._any_id.search(frame.raw) is None):
            return False
        return self._names(json_object(frame.raw))

    def _names(self, event: Mapping[str, Any]) -> bool:
        things = [value for value in event.values() if isinstance(value, dict)]
        channels = [thing.get("id") for thing in things if "dialplan" in thing]
        if channels:
            return any(isinstance(channel, str) and channel in self.channel_ids for channel in channels)
        for thing in things:
            kind, _, key = str(thing.get("target_uri")).partition(":")
            if key in (self.channel_ids if kind == "channel" else self.bridge_ids):
                return True
            if "bridge_type" in thing and isinstance(thing.get("id"), str) and thing["id"] in self.bridge_ids:
                return True
        return False

    @cached_property
    def _any_id(self) -> re.Pattern[str] | None:
        """Matches text that may be one of its ids; None if an id can be written in more than one way."""
        ids = self.channel_ids | self.bridge_ids
        plain = all(_PLAIN.fullmatch(key) for key in ids)
        return re.compile("|".join(map(re.escape, sorted(ids)))) if ids and plain else None
