"""The pbx state at a position, from the events and snapshots before it. No access to files, sockets or clocks."""

import copy
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from arirecord.asterisk.channel_names import endpoint_of
from arirecord.json_text import json_object
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, exchange_of
from arirecord.replay.timing.pacing import AGAIN
from arirecord.session.reader import Frame

__all__ = ["PbxState", "ResourceTable"]

_REMEMBERED: Final = 10_000


class ResourceTable:
    """Resources by id, in the order in which they came; each is a JSON object in ARI's shape.

    Remembers the latest ended resources, because events about a channel may come after its end. `at_ns` is a time in
    the recording.
    """

    def __init__(self) -> None:
        self.items: dict[str, Mapping[str, Any]] = {}
        self._seen_ns: dict[str, int] = {}
        self._gone: dict[str, None] = {}

    def put(self, key: str, item: Mapping[str, Any], at_ns: int, begins: bool = False) -> bool:
        """Add or update a resource. An ended one comes back only if it `begins`; False: it has ended."""
        if begins:
            self._gone.pop(key, None)
        elif key in self._gone:
            return False
        self.items[key] = item
        self._seen_ns[key] = at_ns
        return True

    def was(self, key: str) -> bool:
        """Whether it exists, or existed."""
        return key in self.items or key in self._gone

    def has_gone(self, key: str) -> bool:
        """Whether it existed and has ended."""
        return key in self._gone

    def drop(self, key: str) -> None:
        """Remove an ended resource."""
        self.items.pop(key, None)
        self._seen_ns.pop(key, None)
        self._gone[key] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def replace(self, items: Iterable[tuple[str, Mapping[str, Any]]], asked_ns: int, at_ns: int) -> None:
        """Replace all by a list that is valid at some time after `asked_ns`; changes by events since then are newer."""
        listed = dict(items)
        for key in [key for key in self.items if key not in listed and self._seen_ns[key] < asked_ns]:
            self.drop(key)
        for key, item in listed.items():
            if self._seen_ns.get(key, -1) < asked_ns:
                self.put(key, item, at_ns)


_BEGINS: Final = {"ChannelCreated", "StasisStart", "BridgeCreated", "PlaybackStarted", "RecordingStarted"}
# Transfer events report channels and bridges as they were at the begin of the transfer, not at its end.
_STALE: Final = {"BridgeAttendedTransfer", "BridgeBlindTransfer", "ChannelTransfer"}

_ENDED: Final = {"done", "failed", "canceled"}

Object = Mapping[str, Any]


class PbxState:
    """Pass frames in order to `pbx.feed(frames)`; `pbx.channels.items` and the others are the state.

    Frames are parsed by `catch_up`, or when too many wait. `inside` has, for each application, the ids of the channels
    whose events it receives because they are in it, or because it originated them. `ending` are channels that events
    still report and that have no variables any more.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}
        self.clear()
        self.remember()

    def clear(self) -> None:
        """Remove everything."""
        self.channels = ResourceTable()
        self.bridges = ResourceTable()
        self.endpoints = ResourceTable()
        self.device_states = ResourceTable()
        self.playbacks = ResourceTable()
        self.recordings = ResourceTable()
        self.stored: dict[str, Object] = {}
        self.variables: dict[str, dict[str, str]] = {}
        self.global_variables: dict[str, str] = {}
        self.inside: dict[str, dict[str, None]] = {}
        self.ending: set[str] = set()
        self._announced: set[str] = set()
        self._waiting: deque[Frame] = deque()

    def remember(self) -> None:
        """Keep the current state for `restart`."""
        self.catch_up()
        kept = {name: value for name, value in vars(self).items() if name != "_kept"}
        self._kept = copy.deepcopy(kept)

    def restart(self) -> None:
        """Return to the state at the last `remember`, or to an empty one."""
        vars(self).update(copy.deepcopy(self._kept))

    def feed(self, frames: Iterable[Frame], most_waiting: int = 4096) -> None:
        """Add the next frames: events, and `rest` rows with lists of resources."""
        self._waiting.extend(frames)
        while len(self._waiting) > most_waiting:
            self._apply(self._waiting.popleft())

    def waiting(self) -> list[Frame]:
        """The frames that were fed and are not parsed yet."""
        return list(self._waiting)

    def catch_up(self, most: int | None = None) -> None:
        """Parse all frames that were fed, or this many."""
        while self._waiting and most != 0:
            self._apply(self._waiting.popleft())
            most = None if most is None else most - 1

    @property
    def behind(self) -> int:
        """The number of frames that are not parsed yet."""
        return len(self._waiting)

    def _apply(self, frame: Frame) -> None:
        if frame.kind == AGAIN:
            waiting = self._waiting
            self.restart()
            self._waiting = waiting
        elif frame.kind == "rest":
            self._snapshot(frame)
        elif frame.kind == "event" and frame.type is not None and (event := json_object(frame.raw)):
            self._event(frame.type, event, frame.elapsed_ns)

    def _event(self, kind: str, event: Object, at_ns: int) -> None:
        begins = kind in _BEGINS
        if kind not in _STALE:
            for name in ("channel", "peer", "caller"):
                self._channel(event.get(name), at_ns, begins)
            for name in ("bridge", "bridge_from"):
                self._put(self.bridges, event.get(name), "id", at_ns, begins)
        if handle := _HANDLERS.get(kind):
            handle(self, event, at_ns)

    def _put(self, table: ResourceTable, item: Any, key: str, at_ns: int, begins: bool = False) -> bool:
        """Store an object under the text of its field `key`; False if it is not an object, or has ended."""
        known = isinstance(item, dict) and isinstance(item.get(key), str)
        return known and table.put(item[key], item, at_ns, begins)

    def _channel(self, channel: Any, at_ns: int, begins: bool) -> None:
        if not isinstance(channel, dict) or "state" not in channel:
            return  # `peer` is a Channel in one event and something else in another
        is_new = _id(channel) not in self.channels.items
        if self._put(self.channels, channel, "id", at_ns, begins) and is_new:
            self._at_endpoint(channel, lambda ids, this: [*ids, this] if this not in ids else ids, at_ns)

    def _at_endpoint(self, channel: Object, change: Callable[[list[str], str], list[str]], at_ns: int) -> None:
        """Change the list of channels of the endpoint that a channel's name, `PJSIP/alice-00000001`, begins with."""
        key = endpoint_of(str(channel.get("name", "")))
        if endpoint := self.endpoints.items.get(key):
            known = endpoint.get("channel_ids")
            ids = change(known if isinstance(known, list) else [], channel["id"])
            self.endpoints.put(key, {**endpoint, "channel_ids": ids}, at_ns)

    def _came(self, event: Object, at_ns: int) -> None:
        name, channel_id = event.get("application"), _id(event.get("channel"))
        if isinstance(name, str) and channel_id is not None:
            self.inside.setdefault(name, {})[channel_id] = None

    def _created(self, event: Object, at_ns: int) -> None:
        if isinstance(channel_id := _id(event.get("channel")), str):
            self._announced.add(channel_id)

    def _destroyed(self, event: Object, at_ns: int) -> None:
        self._drop_channel(_id(event.get("channel")), at_ns)

    def _left_application(self, event: Object, at_ns: int) -> None:
        # An app without subscribeAll receives no event of a channel from here on, not even its end. A receiver of its
        # begin receives its end too.
        channel_id = _id(event.get("channel"))
        self.inside.get(str(event.get("application")), {}).pop(str(channel_id), None)
        if channel_id not in self._announced:
            self._drop_channel(channel_id, at_ns)
        elif channel_id is not None and str(_text(event.get("channel"), "name")).startswith("Snoop/"):
            self.ending.add(channel_id)  # it is in no other app; its end is reported when no app holds it any more

    def _drop_channel(self, channel_id: str | None, at_ns: int) -> None:
        if channel_id is None:
            return
        if channel := self.channels.items.get(channel_id):
            self._at_endpoint(channel, lambda ids, this: [i for i in ids if i != this], at_ns)
        self.channels.drop(channel_id)
        self.variables.pop(channel_id, None)
        self._announced.discard(channel_id)
        self.ending.discard(channel_id)
        for inside in self.inside.values():
            inside.pop(channel_id, None)

    def _bridge_destroyed(self, event: Object, at_ns: int) -> None:
        if (bridge_id := _id(event.get("bridge"))) is not None:
            self.bridges.drop(bridge_id)

    def _variable(self, event: Object, at_ns: int) -> None:
        name, value = event.get("variable"), event.get("value")
        if not isinstance(name, str) or not isinstance(value, str):
            return
        if "channel" not in event:
            self.global_variables[name] = value
        elif (channel_id := _id(event["channel"])) in self.channels.items and channel_id is not None:
            self.variables.setdefault(channel_id, {})[name] = value

    def _playback(self, event: Object, at_ns: int) -> None:
        self._passing(self.playbacks, event.get("playback"), "id", at_ns, event.get("type") == "PlaybackStarted")

    def _recording(self, event: Object, at_ns: int) -> None:
        recording = event.get("recording")
        self._passing(self.recordings, recording, "name", at_ns, event.get("type") == "RecordingStarted")
        if event.get("type") == "RecordingFinished" and isinstance(recording, dict):
            name, form = recording.get("name"), recording.get("format")
            if isinstance(name, str) and isinstance(form, str):
                self.stored[name] = {"name": name, "format": form}

    def _passing(self, table: ResourceTable, item: Any, key: str, at_ns: int, begins: bool) -> None:
        if isinstance(item, dict) and _text(item, "state") in _ENDED and isinstance(item.get(key), str):
            table.drop(item[key])
        else:
            self._put(table, item, key, at_ns, begins)

    def _endpoint(self, event: Object, at_ns: int) -> None:
        endpoint = event.get("endpoint")
        if not isinstance(endpoint, dict):
            return
        key = _endpoint_key(endpoint)
        if event.get("type") == "PeerStatusChange" and (known := self.endpoints.items.get(key)):
            endpoint = {**known, "state": endpoint.get("state", known.get("state"))}
        self.endpoints.put(key, endpoint, at_ns)

    def _device_state(self, event: Object, at_ns: int) -> None:
        self._put(self.device_states, event.get("device_state"), "name", at_ns)

    def _snapshot(self, frame: Frame) -> None:
        exchange = exchange_of(frame.raw)
        if exchange is not None and exchange.method == "POST":
            self._originated(exchange)
        if exchange is None or exchange.method != "GET" or exchange.status != 200:
            return
        listed = exchange.value
        table = {
            "/channels": (self.channels, _id),
            "/bridges": (self.bridges, _id),
            "/endpoints": (self.endpoints, _endpoint_key),
            "/deviceStates": (self.device_states, _name),
        }.get(exchange.uri.partition("?")[0].removeprefix("/ari"))
        if table is None or not isinstance(listed, list):
            return
        items, key_of = table
        entries = [(key, item) for item in listed if isinstance(item, dict) and (key := key_of(item)) is not None]
        items.replace(entries, frame.elapsed_ns - exchange.duration_ns, frame.elapsed_ns)
        if items is self.channels:
            self._announced.update(key for key, _ in entries)

    def _originated(self, exchange: RecordedExchange) -> None:
        """Let an application receive the events of a channel that was created for it."""
        channel_id = _id(exchange.value) if exchange.request.segments[0] == "channels" else None
        name = exchange.request.parameters.get("app")
        if name and channel_id is not None and _text(exchange.value, "name") and not self.channels.has_gone(channel_id):
            self.inside.setdefault(name, {})[channel_id] = None


_HANDLERS: Final[Mapping[str, Callable[[PbxState, Object, int], None]]] = {
    "ChannelCreated": PbxState._created,
    "StasisStart": PbxState._came,
    "ChannelDestroyed": PbxState._destroyed,
    "StasisEnd": PbxState._left_application,
    "ChannelVarset": PbxState._variable,
    "BridgeDestroyed": PbxState._bridge_destroyed,
    "PlaybackStarted": PbxState._playback,
    "PlaybackContinuing": PbxState._playback,
    "PlaybackFinished": PbxState._playback,
    "RecordingStarted": PbxState._recording,
    "RecordingFinished": PbxState._recording,
    "RecordingFailed": PbxState._recording,
    "EndpointStateChange": PbxState._endpoint,
    "PeerStatusChange": PbxState._endpoint,
    "ContactStatusChange": PbxState._endpoint,
    "DeviceStateChanged": PbxState._device_state,
}


def _id(item: Any) -> str | None:
    return _text(item, "id")


def _name(item: Any) -> str | None:
    return _text(item, "name")


def _text(item: Any, field: str) -> str | None:
    value = item.get(field) if isinstance(item, dict) else None
    return value if isinstance(value, str) else None


def _endpoint_key(endpoint: Object) -> str:
    return f"{endpoint.get('technology')}/{endpoint.get('resource')}"
