"""Resources that a client created, in a recording without REST requests: events show their recorded ids."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from arirecord.asterisk.channel_names import endpoint_of
from arirecord.json_text import json_object
from arirecord.session.reader import Frame

from .id_map import IdMap, Kind

__all__ = ["CreatedResources"]

_BEGINS: Final[Mapping[str, tuple[Kind, str]]] = {
    "BridgeCreated": ("bridges", "bridge"),
    "ChannelCreated": ("channels", "channel"),
    "PlaybackStarted": ("playbacks", "playback"),
    "RecordingStarted": ("recordings", "recording"),
    "StasisStart": ("channels", "channel"),
}

Object = Mapping[str, Any]


class CreatedResources:
    """Binds the id of a client to the next recorded resource of the same type and target: channel, bridge, endpoint."""

    def __init__(self, ids: IdMap) -> None:
        self._ids = ids
        self._expected: list[tuple[Kind, str, str]] = []
        self._bound: set[tuple[Kind, str]] = set()

    def clear(self) -> None:
        """The recording starts again, or continues elsewhere."""
        self._expected.clear()
        self._bound.clear()

    def expect(self, kind: Kind, made: Object, present: Iterable[Object]) -> None:
        """A client created a resource: bind it to one that is `present` in the recording, otherwise to the next."""
        client_id, target = _id_of(kind, made), _target_of(kind, made)
        if kind in ("playbacks", "recordings"):
            for item in present:
                if _target_of(kind, item) == target and (kind, _id_of(kind, item)) not in self._bound:
                    self._bind(kind, _id_of(kind, item), client_id)
                    return
        self._expected.append((kind, target, client_id))

    def take(self, frames: Iterable[Frame]) -> None:
        """Look for the expected resources in frames that will be sent now."""
        for frame in frames if self._expected else ():
            if (begins := _BEGINS.get(frame.type or "")) is None:
                continue
            kind, field = begins
            item = json_object(frame.raw).get(field)
            if not isinstance(item, dict) or (kind, _id_of(kind, item)) in self._bound:
                continue
            key = (kind, _target_of(kind, item))
            if (resource := next((one for one in self._expected if one[:2] == key), None)) is not None:
                self._expected.remove(resource)
                self._bind(kind, _id_of(kind, item), resource[2])

    def _bind(self, kind: Kind, recorded: str, client: str) -> None:
        self._bound.add((kind, recorded))
        self._ids.bind(kind, recorded, client)


def _id_of(kind: Kind, item: Object) -> str:
    return str(item.get("name" if kind == "recordings" else "id", ""))


def _target_of(kind: Kind, item: Object) -> str:
    if kind == "channels":
        return endpoint_of(str(item.get("name", "")))
    return str(item.get("target_uri", "")) if kind != "bridges" else ""
