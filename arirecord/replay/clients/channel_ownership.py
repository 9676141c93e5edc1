"""Ownership of channels: which events Asterisk sends to an application without subscribeAll."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.channel_names import endpoint_of
from arirecord.errors import NotASession, ReplayError
from arirecord.session.parts import Part
from arirecord.session.reader import SessionFile
from arirecord.session.stored_rows import grouped_batches, opened

__all__ = ["PRIVATE", "Membership", "Subscription", "read_known"]

PRIVATE: Final = frozenset(
    [
        "ApplicationMoveFailed",
        "ApplicationRegistered",
        "ApplicationReplaced",
        "ApplicationUnregistered",
        "RESTResponse",
        "StasisEnd",
        "StasisStart",
    ]
)

"""Events that only the application itself receives, whatever others subscribed to."""

Object = Mapping[str, Any]


class Subscription:
    """The resources of one application; given every event in order, `wants` decides which are for it.

    A channel belongs to the application while it is in `Stasis()` under one of its `names`. A channel that the
    application originated (`originated`, ids of channels) belongs to it until its end. A bridge belongs to it while
    such a channel is in it; a bridge that an app made stays so until it is destroyed. `sources` are further
    subscriptions, as ARI writes them (`endpoint:PJSIP/alice`); they may change at any time.
    """

    def __init__(self, names: Collection[str], originated: Collection[str], sources: Collection[str] = ()) -> None:
        self._names = names
        self._originated = originated
        self.sources = sources
        self._channels: set[str] = set()
        self._left: set[str] = set()
        self._dialled: set[str] = set()
        self._bridges: set[str] = set()

    def begin(self, channels: Mapping[str, Object]) -> None:
        """Start again with these channels."""
        self._channels = {key for key, channel in channels.items() if self._inside(channel)}
        self._dialled = set(channels) & set(self._originated)
        self._left.clear()
        self._bridges.clear()

    def wants(self, event: Object) -> bool:
        """Whether the application receives this event; the event also updates the state."""
        kind = event.get("type")
        if kind == "ChannelVarset" and event.get("variable") == "STASISSTATUS":
            return self._turn(event)
        channels = list(_channels(event))
        if kind == "Dial":
            # Asterisk sends events of an originated channel to the application from here on, not from its creation.
            self._dialled.update(key for channel in channels if (key := str(channel["id"])) in self._originated)
        elif kind == "ChannelDialplan":
            # A channel that goes on in the dialplan has left the application; one that comes to Stasis() is in it
            # once its variable STASISSTATUS is set so.
            self._leave(str(event["channel"].get("id")) if isinstance(event.get("channel"), dict) else "")
        else:
            self._channels.update(
                key for channel in channels if (key := str(channel["id"])) not in self._left and self._inside(channel)
            )
        is_received = any(self._owns(str(channel["id"])) for channel in channels)
        is_received = self._bridge(event, kind) or is_received or self._thing(event)
        if kind == "ChannelDestroyed" and channels:
            self._channels.discard(str(channels[0]["id"]))
            self._left.discard(str(channels[0]["id"]))
            self._dialled.discard(str(channels[0]["id"]))
        return is_received or (bool(self.sources) and self._subscribed(event, channels))

    def _turn(self, event: Object) -> bool:
        """Asterisk empties STASISSTATUS before a channel enters an app, and sets it after it has left."""
        channel = event.get("channel")
        if not isinstance(channel, dict) or not isinstance(channel.get("id"), str):
            return False
        key = channel["id"]
        if event.get("value"):
            self._leave(key)
        elif self._inside(channel):
            self._left.discard(key)
            self._channels.add(key)
        return key in self._dialled or (bool(self.sources) and self._subscribed(event, [channel]))

    def _leave(self, key: str) -> None:
        if key in self._channels:
            self._channels.discard(key)
            self._left.add(key)

    def _inside(self, channel: Object) -> bool:
        place = channel.get("dialplan")
        if not isinstance(place, dict) or place.get("app_name") != "Stasis":
            return False
        return str(place.get("app_data")).partition(",")[0] in self._names

    def _owns(self, key: str) -> bool:
        return key in self._channels or key in self._dialled

    def _bridge(self, event: Object, kind: object) -> bool:
        is_received = False
        for name in ("bridge", "bridge_from"):
            bridge = event.get(name)
            if not isinstance(bridge, dict) or not isinstance(bridge.get("id"), str):
                continue
            key, inside = bridge["id"], bridge.get("channels")
            holds = isinstance(inside, list) and any(isinstance(i, str) and self._owns(i) for i in inside)
            if holds and kind != "BridgeDestroyed":
                self._bridges.add(key)
            is_received |= holds or key in self._bridges
            if kind == "BridgeDestroyed" or (not holds and bridge.get("bridge_class") != "stasis"):
                self._bridges.discard(key)
        return is_received

    def _thing(self, event: Object) -> bool:
        """Whether the event is about a playback to, or a recording of, a resource of the application."""
        for name in ("playback", "recording"):
            thing = event.get(name)
            kind, _, key = str(thing.get("target_uri")).partition(":") if isinstance(thing, dict) else ("", "", "")
            if (kind == "channel" and self._owns(key)) or (kind == "bridge" and key in self._bridges):
                return True
        return False

    def _subscribed(self, event: Object, channels: Collection[Object]) -> bool:
        names = [f"channel:{channel['id']}" for channel in channels]
        names += [f"bridge:{b.get('id')}" for n in ("bridge", "bridge_from") if isinstance(b := event.get(n), dict)]
        if isinstance(endpoint := event.get("endpoint"), dict):
            names += [f"endpoint:{endpoint.get('technology')}/{endpoint.get('resource')}"]
        # A subscription to an endpoint includes its channels: their names begin with its name.
        names += [f"endpoint:{endpoint_of(str(channel.get('name')))}" for channel in channels]
        if isinstance(state := event.get("device_state"), dict):
            names += [f"deviceState:{state.get('name')}"]
        for name in names:
            scheme, _, key = name.partition(":")
            # `endpoint:` is all endpoints, `endpoint:PJSIP` all of a technology.
            if name in self.sources or f"{scheme}:" in self.sources:
                return True
            if scheme == "endpoint" and f"endpoint:{key.partition('/')[0]}" in self.sources:
                return True
        return False


def _channels(event: Object) -> Iterator[Object]:
    for value in event.values():
        if isinstance(value, dict) and isinstance(value.get("id"), str) and "dialplan" in value:
            yield value


_PLACE = ("channel_dialplan_app_name", "channel_dialplan_app_data")

_BATCH = 1 << 16


@dataclass
class Membership:
    """For each application that a channel was in, `originated` has the ids of those channels that an app originated.

    An application without any has an empty set.
    """

    originated: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_known(session: SessionFile) -> Membership:
    """Read the columns that hold which channels were in which application.

    Raises `ReplayError` if the session cannot be read.
    """
    inside: dict[str, set[str]] = {}
    outgoing: set[str] = set()
    try:
        for part in session.parts:
            _read(part, inside, outgoing)
    except (NotASession, OSError) as error:
        raise ReplayError(f"the session can't be read: {error}") from error
    return Membership({application: frozenset(ids & outgoing) for application, ids in inside.items()})


def _read(part: Part, inside: dict[str, set[str]], outgoing: set[str]) -> None:
    if not {*_PLACE, "channel_id"} <= set(part.schema.names):
        return
    with opened(part.path) as file:
        for batch in grouped_batches(file, _BATCH, ["type", "application", "channel_id", *_PLACE]):
            name, data = (batch[column] for column in _PLACE)
            # An originated channel is in the dialplan application AppDial2 until it is answered.
            outgoing.update(batch.filter(pc.equal(name, "AppDial2"))["channel_id"].drop_null().unique().to_pylist())
            there = pa.table({"data": data, "id": batch["channel_id"]}).filter(pc.equal(name, "Stasis"))
            for row in there.group_by(["data", "id"]).aggregate([]).to_pylist():
                inside.setdefault((row["data"] or "").partition(",")[0], set()).add(row["id"])
            started = batch.filter(pc.equal(batch["type"], "StasisStart"))
            for row in started.select(["application", "channel_id"]).to_pylist():
                inside.setdefault(row["application"] or "", set()).add(row["channel_id"])
