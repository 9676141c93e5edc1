"""Synthetic responses: the resource that a command creates, in ARI's shape, if no response was recorded."""

import time
import uuid
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from arirecord.asterisk.rest_operations import Route

from .id_map import Kind
from .messages import RestRequest

__all__ = ["SyntheticResponses", "subject"]

Object = Mapping[str, Any]


def subject(route: Route) -> tuple[str, str]:
    """The type and id of the resource in a path, `("channels", "17.1")`; the id is empty if the path has none."""
    operation, ids = route.operation, route.ids
    for kind, parameter in (("channels", "channelId"), ("bridges", "bridgeId"), ("playbacks", "playbackId")):
        if operation.resource == kind:
            return kind, ids.get(parameter, "")
    if operation.path.startswith("/recordings/live/"):
        return "recordings", ids["recordingName"]
    return operation.resource, ""


class SyntheticResponses:
    """Makes the bodies of synthetic responses. `moment` returns the time of the recording, as ARI writes times."""

    def __init__(self, moment: Callable[[], str]) -> None:
        self._moment = moment
        self._numbers = count()
        self._made: Mapping[str, tuple[Kind, Callable[[Route, RestRequest], Object]]] = {
            "Channel": ("channels", self._channel),
            "Bridge": ("bridges", self._bridge),
            "Playback": ("playbacks", self._playback),
            "LiveRecording": ("recordings", self._recording),
        }

    def make(self, route: Route, request: RestRequest) -> tuple[Kind, Object] | None:
        """The type of the resource that a command creates, and the resource; None if it creates nothing."""
        if route.operation.returns not in self._made:
            return None
        kind, body = self._made[route.operation.returns]
        return kind, body(route, request)

    def _channel(self, route: Route, request: RestRequest) -> Object:
        given = request.parameters
        own = "snoopId" if route.operation.name.startswith("snoop") else "channelId"
        asked = route.ids.get("snoopId") if own == "snoopId" else route.ids.get("channelId")
        number = next(self._numbers)
        channel_id = asked or given.get(own) or f"{int(time.time())}.{number}"
        stem = given.get("endpoint") or (f"Snoop/{channel_id}" if own == "snoopId" else "UnicastRTP/media")
        caller_name, _, caller = given.get("callerId", "").rpartition("<")
        media = {}
        if given.get("connection_type") == "server" or stem.startswith("WebSocket/INCOMING"):
            stem, media = "WebSocket/INCOMING", {"MEDIA_WEBSOCKET_CONNECTION_ID": str(uuid.uuid4())}
        return {
            "id": channel_id,
            "name": f"{stem}-{number:08x}",
            "state": "Down",
            "protocol_id": "",
            "caller": {"name": caller_name.strip(' "'), "number": caller.rstrip(">")},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": given.get("context") or "default",
                "exten": given.get("extension") or "s",
                "priority": 1,
                "app_name": "AppDial2",
                "app_data": "(Outgoing Line)",
            },
            "creationtime": self._moment(),
            "language": "en",
            **({"channelvars": media} if media else {}),
        }

    def _bridge(self, route: Route, request: RestRequest) -> Object:
        given = request.parameters
        is_holding = "holding" in given.get("type", "mixing").split(",")
        return {
            "id": route.ids.get("bridgeId") or given.get("bridgeId") or str(uuid.uuid4()),
            "technology": "holding_bridge" if is_holding else "simple_bridge",
            "bridge_type": "holding" if is_holding else "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": given.get("name", ""),
            "channels": [],
            "creationtime": self._moment(),
            "video_mode": "none",
        }

    def _playback(self, route: Route, request: RestRequest) -> Object:
        given = request.parameters
        media = next((value for name, value in request.query if name == "media"), given.get("media", ""))
        first, *further = media.split(",")
        return {
            "id": route.ids.get("playbackId") or given.get("playbackId") or str(uuid.uuid4()),
            "media_uri": first,
            **({"next_media_uri": further[0]} if further else {}),
            "target_uri": _target(route),
            "language": given.get("lang") or "en",
            "state": "playing",
        }

    def _recording(self, route: Route, request: RestRequest) -> Object:
        given = request.parameters
        form = given.get("format", "")
        return {"name": given.get("name", ""), "format": form, "target_uri": _target(route), "state": "queued"}


def _target(route: Route) -> str:
    kind, key = subject(route)
    return f"{kind.removesuffix('s')}:{key}"
