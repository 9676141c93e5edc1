"""Request keys: ARI requests reduced to what decides whether two of them are the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import orjson

from arirecord.asterisk.rest_operations import Operation, Route, operations

from .id_map import ID_PARAMETERS, IdMap, Kind
from .messages import RestRequest

__all__ = ["NewResource", "RequestKey", "request_key", "unknown_key"]

Pairs = tuple[tuple[str, str], ...]
NewResource = tuple[Kind, str]

# Parameters that give a new resource its id, by the type that an operation returns; they may be in the path.
_CHOICE: Final[Mapping[str, tuple[Kind, tuple[str, ...]]]] = {
    "Channel": ("channels", ("channelId",)),
    "Bridge": ("bridges", ("bridgeId",)),
    "Playback": ("playbacks", ("playbackId",)),
    "LiveRecording": ("recordings", ("name",)),
    "StoredRecording": ("recordings", ("destinationRecordingName",)),
}
_SECOND: Final = "otherChannelId"
_RESOURCES: Final[Mapping[str, tuple[str, Kind | None]]] = {
    "bridges": ("bridgeId", "bridges"),
    "channels": ("channelId", "channels"),
    "playbacks": ("playbackId", "playbacks"),
}
_APPLICATION: Final = {"app", "application", "applicationName"}


@dataclass(frozen=True)
class RequestKey:
    """An ARI request in recorded ids. Two requests are the same if their `compared` are equal.

    `path_ids` are the ids in the path, by name. `parameters` are those of query and body, sorted. `body` is the rest of
    a JSON body. `new_resource` is the type and id of the resource that the request creates, with an empty id if
    Asterisk chooses it; None if the request creates nothing. `local_second_id` is the id of the ;2 half of a new Local
    channel. Neither of the last two is compared.
    """

    operation: Operation
    path_ids: Pairs
    parameters: Pairs
    body: str
    new_resource: NewResource | None = None
    local_second_id: str = ""

    @property
    def compared(self) -> tuple[object, ...]:
        """Equal for the same request."""
        return (*self.operation_key, self.parameters, self.body)

    @property
    def channels(self) -> Sequence[str]:
        """The ids of channels in the request, the one in the path first."""
        named = (value for name, value in (*self.path_ids, *self.parameters) if ID_PARAMETERS.get(name) == "channels")
        return [channel for value in named for channel in value.split(",") if channel]

    @property
    def operation_key(self) -> tuple[object, ...]:
        """Equal for the same operation on the same resources, whatever the parameters."""
        # The id of a new resource may be in the path or not: both are the same operation.
        name = self.operation.name.removesuffix("WithId")
        return (self.operation.resource, name, self.path_ids)


def request_key(route: Route, request: RestRequest, name_of: Callable[[str], str] = str) -> RequestKey:
    """Build the key of a request; `name_of` maps a client's application name to the recorded one."""
    operation = route.operation
    kind, names = _choice(operation)
    given: dict[str, list[str]] = {}
    for name, value in (*request.query, *request.form):
        given.setdefault(name, []).append(value)
    for name, value in request.parameters.items():
        given.setdefault(name, [value])  # parameters in the body
    new_id = next((v for n in names if (v := route.ids.get(n) or next(iter(given.get(n, ())), ""))), "")
    second_id = next(iter(given.get(_SECOND, ())), "") if kind == "channels" else ""
    multiple = _multiple(operation.resource, operation.name)
    free = {*names, *([_SECOND] if kind == "channels" else [])}
    pairs = [(n, _one(n, values, n in multiple)) for n, values in given.items() if n not in free]
    pairs = [(n, name_of(value) if n in _APPLICATION else value) for n, value in pairs]
    path_ids = tuple(
        sorted((n, name_of(v) if n in _APPLICATION else v) for n, v in route.ids.items() if n not in names)
    )
    new_resource = None if kind is None else (kind, new_id)
    return RequestKey(operation, path_ids, tuple(sorted(pairs)), _rest_of_body(request), new_resource, second_id)


def unknown_key(request: RestRequest, ids: IdMap) -> RequestKey | None:
    """Build the key of a request for a path or method that ARI does not have; None for its documents."""
    resource, *rest = request.segments
    if resource in ("api-docs", "events") or request.method == "OPTIONS":
        return None
    path = request.path
    path_ids: Pairs = ()
    name, kind = _RESOURCES.get(resource, ("", None))
    if kind is not None and rest:
        path_ids = ((name, ids.recorded(kind, rest[0])),)
        path = "/" + "/".join([resource, f"{{{name}}}", *rest[1:]])
    operation = Operation(resource, request.method, path, f"unknown {path}", "void", (), (), 404)
    return RequestKey(operation, path_ids, tuple(sorted(request.parameters.items())), _rest_of_body(request))


@cache
def _multiple(resource: str, name: str) -> frozenset[str]:
    """The parameters of an operation that may be repeated."""
    (operation,) = (one for one in operations()[resource] if one.name == name)
    return frozenset(parameter.name for parameter in operation.parameters if parameter.multiple)


def _choice(operation: Operation) -> tuple[Kind | None, tuple[str, ...]]:
    if operation.method != "POST" or operation.returns not in _CHOICE:
        return None, ()
    if operation.name.startswith("snoop"):
        return "channels", ("snoopId",)
    return _CHOICE[operation.returns]


def _one(name: str, values: list[str], multiple: bool) -> str:
    """One text for the values of a parameter. Asterisk takes a list with commas, or a repeated parameter."""
    if not multiple:
        return values[-1]
    listed = ",".join(values).split(",")
    return ",".join(listed if name == "media" else sorted(listed))  # media are played in order


def _rest_of_body(request: RestRequest) -> str:
    """The JSON body without parameters, in a canonical form."""
    document = request.document
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if isinstance(value, dict)}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode() if document else ""
