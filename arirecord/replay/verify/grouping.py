"""Requests as verification compares them, grouped by call: ids that occur together belong together."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from arirecord.asterisk.channel_names import is_media
from arirecord.json_text import json_object
from arirecord.replay.rest.request_key import RequestKey
from arirecord.session.reader import Frame

__all__ = ["TYPES", "CallRequests", "Grouping", "Request", "channels_of"]

TYPES: Final = ("StasisStart", "Dial", "ChannelEnteredBridge")
"""The event types that show which resources belong together."""

Object = Mapping[str, Any]


class Request(NamedTuple):
    """A request in recorded ids; `created_id` is the id of the resource that it created, or empty.

    `begun_ns` and `ended_ns` are the times of the request and of its response, `status` is that of the response. `seq`
    is the number of the row of a recorded request, otherwise -1.
    """

    key: RequestKey
    created_id: str = ""
    begun_ns: int = 0
    ended_ns: int = 0
    status: int = 200
    seq: int = -1


@dataclass(frozen=True)
class CallRequests:
    """One call of a recording: its first channel in an application, the caller, and the time.

    `t_ns` is since 1970 UTC; 0 without such a channel.
    """

    channel_id: str
    caller: str = ""
    exten: str = ""
    t_ns: int = 0

    def __str__(self) -> str:
        if not self.channel_id:
            return "outside calls"
        who = f" of {self.caller or '(unknown)'} to {self.exten or '(unknown)'}" if self.caller or self.exten else ""
        return f"call {self.channel_id}{who}"


NO_CALL: Final = CallRequests("")


class Grouping:
    """Links channels: those of one Dial, of one request, of a replaced channel, and those whose ids are arguments.

    A bridge belongs to the call of its first channel, a playback or a recording to the call of its target.
    """

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._owners: dict[tuple[str, str], tuple[str, str]] = {}
        self._calls: dict[str, CallRequests] = {}
        self._media: set[str] = set()

    def event(self, frame: Frame) -> None:
        """Add an event of one of the `TYPES`."""
        event = json_object(frame.raw)
        channel = _id(event.get("channel"))
        if channel and is_media(str(event["channel"].get("name") or "")):
            self._media.add(channel)
        if frame.type == "ChannelEnteredBridge" and channel and (bridge := _id(event.get("bridge"))):
            self._enter(bridge, [channel])
        elif frame.type == "Dial":
            self._tie([*filter(None, (_id(event.get("caller")), _id(event.get("peer"))))])
        elif frame.type == "StasisStart" and channel:
            arguments = event.get("args")
            texts = [a for a in arguments if isinstance(a, str)] if isinstance(arguments, list) else []
            named = [text for text in texts if text in self._parents]
            self._tie([channel, *filter(None, [_id(event.get("replace_channel"))]), *named])
            if channel not in self._media:
                self._calls.setdefault(channel, _call(channel, event["channel"], frame.t_ns))

    def request(self, key: RequestKey, created_id: str, is_recorded: bool = True) -> None:
        """Add a request and the id of the resource that it created, or an empty one.

        A request that is not recorded does not link recorded calls: a wrong app may mix them up.
        """
        channels = list(key.channels)
        if not channels and key.new_resource:
            channels = [text for text in dict(key.parameters).get("appArgs", "").split(",") if text in self._parents]
        made = key.new_resource[0] if key.new_resource and created_id else ""
        if made == "channels":
            channels.append(created_id)
            if key.operation.name == "externalMedia" or is_media(dict(key.parameters).get("endpoint", "")):
                self._media.add(created_id)
        self._tie([c for c in channels if is_recorded or c == channels[0] or c not in self._parents])
        bridge = created_id if made == "bridges" else dict(key.path_ids).get("bridgeId", "")
        if bridge and channels:
            self._enter(bridge, channels)
        if made in ("playbacks", "recordings"):
            target = ("channels", channels[0]) if channels else ("bridges", bridge)
            self._owners.setdefault((made, created_id), target)

    def call(self, key: RequestKey, created_id: str) -> CallRequests:
        """The call of a request; `NO_CALL` if it names no resource of a call."""
        for channel in key.channels:
            return self._of(("channels", channel))
        if key.new_resource and key.new_resource[0] == "channels" and created_id:
            return self._of(("channels", created_id))
        subject = dict(key.path_ids)
        names = (("bridges", "bridgeId"), ("playbacks", "playbackId"), ("recordings", "recordingName"))
        for kind, name in names:
            if name in subject:
                return self._of((kind, subject[name]))
        return self._of((key.new_resource[0], created_id)) if key.new_resource and created_id else NO_CALL

    def calls_of(self, event: Object) -> Collection[CallRequests]:
        """The calls whose channels, bridges, playbacks and recordings an event names."""
        owned = [("channels", channel) for channel in channels_of(event)]
        for name in ("bridge", "bridge_from"):
            owned += [("bridges", resource_id)] if (resource_id := _id(event.get(name))) else []
        owned += _targets(event)
        return {call for one in owned if (call := self._of(one)) != NO_CALL}

    def knows(self, text: str) -> bool:
        """Whether a text is the id of a resource."""
        return text in self._parents or any((kind, text) in self._owners for kind in ("bridges", "playbacks"))

    def finish(self) -> None:
        """Name each call by its first channel in an application, after all of the recording was added."""
        named: dict[str, CallRequests] = {}
        for channel, call in self._calls.items():
            named.setdefault(self._root(channel), call)
        self._calls = named

    def _of(self, owned: tuple[str, str]) -> CallRequests:
        while owned[0] != "channels":
            if owned not in self._owners:
                return NO_CALL
            owned = self._owners[owned]
        root = self._root(owned[1])
        return self._calls.get(root, CallRequests(root))

    def _root(self, channel: str) -> str:
        while (parent := self._parents.setdefault(channel, channel)) != channel:
            self._parents[channel] = self._parents[parent]
            channel = parent
        return channel

    def _enter(self, bridge: str, channels: list[str]) -> None:
        """Channels enter a bridge: it belongs to the first, and a media leg to the call of the other channels."""
        owner = self._owners.setdefault(("bridges", bridge), ("channels", channels[0]))
        if owner[0] != "channels":
            return
        for channel in channels:
            if channel in self._media:
                self._tie([owner[1], channel])
            elif owner[1] in self._media:
                self._tie([channel, owner[1]])

    def _tie(self, channels: list[str]) -> None:
        for channel in channels:
            self._parents[self._root(channel)] = self._root(channels[0])


def channels_of(event: Object) -> list[str]:
    """The ids of the channels that an event names, also as the target of a playback or of a recording."""
    named = (event.get(name) for name in ("channel", "peer", "caller", "replace_channel"))
    return [*filter(None, map(_id, named)), *(channel for kind, channel in _targets(event) if kind == "channels")]


def _targets(event: Object) -> Iterator[tuple[str, str]]:
    """The channel or the bridge of a playback and of a recording in an event."""
    for name in ("playback", "recording"):
        target = event[name].get("target_uri") if isinstance(event.get(name), dict) else None
        kind, _, resource_id = str(target or "").partition(":")
        if kind in ("channel", "bridge"):
            yield f"{kind}s", resource_id


def _call(channel_id: str, channel: Object, t_ns: int) -> CallRequests:
    def text(field: str, name: str) -> str:
        inner = channel.get(field)
        return str(inner.get(name) or "") if isinstance(inner, dict) else ""

    return CallRequests(channel_id, text("caller", "number"), text("dialplan", "exten"), t_ns)


def _id(resource: Any) -> str:
    value = resource.get("id") if isinstance(resource, dict) else None
    return value if isinstance(value, str) else ""
