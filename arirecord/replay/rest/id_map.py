"""Map between the ids that a client chose and those that the recorded app chose."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import orjson

from arirecord.asterisk.rest_operations import Route

from .messages import RestRequest

__all__ = ["ID_PARAMETERS", "IdMap", "Kind"]

Kind = Literal["channels", "bridges", "playbacks", "recordings"]

ID_PARAMETERS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("channelId", "snoopId", "originator", "otherChannelId", "channel"), "channels"),
    "bridgeId": "bridges",
    "playbackId": "playbacks",
    "recordingName": "recordings",
}
"""The parameters of requests that hold an id, or several with commas between them."""

_URI_PARAMETERS: Final = {"media", "eventSource", "source"}

# Any occurrence of an unambiguous id is replaced. Others, `1` or `my/id`, are replaced only where an id belongs.
_CLEAR: Final = re.compile(r"(?=[^0-9]*[0-9])[\w.-]{8,}", re.ASCII)
_RUN: Final = re.compile(r"[\w.-]{8,}", re.ASCII)

# Prefixes of an id in a URI of ARI: `target_uri`, `media_uri`, an event source.
_SCHEMES: Final[Mapping[str, Kind]] = {"channel": "channels", "bridge": "bridges", "recording": "recordings"}
_LISTS: Final[Mapping[str, Kind]] = {"channels": "channels", "channel_ids": "channels", "bridge_ids": "bridges"}
_URIS: Final = ("target_uri", "media_uri", "next_media_uri")


class IdMap:
    """The ids that differ. A channel, bridge or playback with the same id in both is not in here.

    Each client id maps to one recorded id. If several map to one recorded id, clients receive the latest.
    """

    def __init__(self) -> None:
        self._clients: dict[Kind, dict[str, str]] = {}
        self._recorded: dict[Kind, dict[str, str]] = {}
        self._clear_clients: dict[str, str] = {}
        self._clear_quoted: dict[str, str] = {}
        self._clear_recorded: dict[str, str] = {}
        self._unclear: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._recorded)

    def clear(self) -> None:
        """Remove all ids."""
        for known in (self._clients, self._recorded):
            known.clear()
        for clear in (self._clear_clients, self._clear_quoted, self._clear_recorded):
            clear.clear()
        self._unclear.clear()

    def bind(self, kind: Kind, recorded: str, client: str) -> None:
        """From now on, map the `client`'s id to the `recorded` one, and back."""
        if recorded != client:
            self._bind(kind, recorded, client)

    def _bind(self, kind: Kind, recorded: str, client: str) -> None:
        self._clients.setdefault(kind, {})[recorded] = client
        self._recorded.setdefault(kind, {})[client] = recorded
        if _CLEAR.fullmatch(recorded):
            self._clear_clients[recorded] = client
            self._clear_quoted[recorded] = _quoted(client)
        else:
            self._unclear.add(_quoted(recorded))
        if _CLEAR.fullmatch(client):
            self._clear_recorded[client] = recorded

    def client(self, kind: Kind, recorded: str) -> str:
        """Return the client's id of a `recorded` id."""
        return self._clients.get(kind, {}).get(recorded, recorded)

    def swap_bridges(self, first: str, second: str) -> None:
        """Exchange the client's ids of two recorded bridges."""
        clients = self.client("bridges", first), self.client("bridges", second)
        for recorded, client in ((first, clients[1]), (second, clients[0])):
            self._bind("bridges", recorded, client)

    def recorded(self, kind: Kind, client: str) -> str:
        """Return the recorded id of a `client` id."""
        return self._recorded.get(kind, {}).get(client, client)

    def to_recorded(self, route: Route, request: RestRequest) -> tuple[Route, RestRequest]:
        """Return a client's request with recorded ids."""
        if not self:
            return route, request
        segments = [
            self._path_id(name[1:-1], part) if name.startswith("{") else part
            for name, part in zip(route.operation.segments, request.segments, strict=True)
        ]
        query = [(name, self._parameter(name, value)) for name, value in request.query]
        target = "/" + "/".join(quote(part, safe="") for part in segments) + (f"?{urlencode(query)}" if query else "")
        path_ids = {name: self._path_id(name, value) for name, value in route.ids.items()}
        body = request.body
        if isinstance(request.document, dict):
            body = orjson.dumps({name: self._json_parameter(name, v) for name, v in request.document.items()})
        elif request.form:
            body = urlencode([(name, self._parameter(name, value)) for name, value in request.form]).encode()
        return Route(route.operation, path_ids), replace(request, target=target, body=body)

    def _path_id(self, name: str, value: str) -> str:
        kind = ID_PARAMETERS.get(name)
        return self.recorded(kind, value) if kind else value

    def _parameter(self, name: str, value: str) -> str:
        if name in _URI_PARAMETERS:
            return ",".join(map(self._uri_to_recorded, value.split(",")))
        if kind := ID_PARAMETERS.get(name):
            return ",".join(self.recorded(kind, part) for part in value.split(","))
        return self._text_to_recorded(value)

    def _json_parameter(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._parameter(name, value)
        if isinstance(value, list):
            return [self._json_parameter(name, item) for item in value]
        if isinstance(value, dict):
            return {key: self._json_parameter("", item) for key, item in value.items()}
        return value

    def _text_to_recorded(self, text: str) -> str:
        """Replace unambiguous ids in any text of a client, such as `appArgs`, by the recorded ones."""
        known = self._clear_recorded
        return _RUN.sub(lambda run: known.get(run[0], run[0]), text) if known else text

    def _uri_to_recorded(self, uri: str) -> str:
        """Replace the id in a client's URI of ARI, `channel:ID` or `recording:NAME`."""
        scheme, colon, rest = uri.partition(":")
        kind = _SCHEMES.get(scheme)
        return f"{scheme}:{self.recorded(kind, rest)}" if kind and colon else self._text_to_recorded(uri)

    def to_client(self, raw: str) -> str:
        """Put the client's ids into a JSON text of the recording; without any it stays unchanged."""
        if not self._clients:
            return raw
        if any(recorded in raw for recorded in self._unclear):
            try:
                value = orjson.loads(raw)
            except ValueError:
                return raw
            return orjson.dumps(self._value(value)).decode()
        quoted = self._clear_quoted
        return _RUN.sub(lambda run: quoted.get(run[0], run[0]), raw)

    def _value(self, value: Any) -> Any:
        """A JSON value with ids replaced in ARI's objects, lists and URIs; unambiguous ids anywhere."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, dict):
            return value
        new = {key: self._field(key, item) for key, item in value.items()}
        kind, name = _what(value)
        if kind is not None and isinstance(value.get(name), str):
            new[name] = self._id(kind, value[name])
        return new

    def _field(self, key: str, value: Any) -> Any:
        if key in _URIS and isinstance(value, str):
            scheme, colon, rest = value.partition(":")
            kind = _SCHEMES.get(scheme)
            return f"{scheme}:{self._id(kind, rest)}" if kind and colon else self._text(value)
        if key in _LISTS and isinstance(value, list):
            kind = _LISTS[key]
            return [self._id(kind, item) if isinstance(item, str) else self._value(item) for item in value]
        return self._value(value)

    def _id(self, kind: Kind, recorded: str) -> str:
        return self._clients.get(kind, {}).get(recorded) or self._text(recorded)

    def _text(self, text: str) -> str:
        return _RUN.sub(lambda run: self._clear_clients.get(run[0], run[0]), text)


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _what(thing: Mapping[str, Any]) -> tuple[Kind | None, str]:
    """The type of an ARI object, by its shape, and the field that identifies it."""
    if "media_uri" in thing:
        return "playbacks", "id"
    if "bridge_class" in thing or ("technology" in thing and "channels" in thing):
        return "bridges", "id"
    if "format" in thing and "name" in thing and "id" not in thing:
        return "recordings", "name"
    return ("channels", "id") if "id" in thing and "state" in thing else (None, "")
