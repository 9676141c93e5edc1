"""The operations of ARI's REST interface: paths, parameters and responses.

The data is `operations.json`; names, types and statuses are Asterisk's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

__all__ = ["Operation", "OperationParameter", "Route", "find", "methods_at", "operations"]

Where = Literal["path", "query", "body"]


_PLAY: Final = {"skipms": "3000", "offsetms": "0", "lang": "en"}
_RECORD: Final = {
    **{"maxDurationSeconds": "0", "maxSilenceSeconds": "0", "ifExists": "fail", "beep": "false", "terminateOn": "none"}
}
_DEFAULTS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("bridges", "addChannel"): {"absorbDTMF": "false", "mute": "false", "inhibitConnectedLineUpdates": "false"},
    ("bridges", "create"): {"type": "mixing"},
    ("bridges", "play"): _PLAY,
    ("bridges", "record"): _RECORD,
    ("channels", "dial"): {"timeout": "0"},
    ("channels", "externalMedia"): {
        **{"encapsulation": "rtp", "transport": "udp", "connection_type": "client", "direction": "both"}
    },
    ("channels", "mute"): {"direction": "both"},
    ("channels", "originate"): {"timeout": "30"},
    ("channels", "play"): _PLAY,
    ("channels", "record"): _RECORD,
    ("channels", "sendDTMF"): {"before": "0", "between": "100", "duration": "100", "after": "0"},
    ("channels", "snoopChannel"): {"spy": "none", "whisper": "none"},
    ("channels", "unmute"): {"direction": "both"},
}


@dataclass(frozen=True, slots=True)
class OperationParameter:
    """One parameter: its location `where`, its ARI `type`, whether it is required and can be repeated."""

    name: str
    where: Where
    type: str
    required: bool
    multiple: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `method` and `path` (`/channels/{channelId}`), `resource` (`channels`), `name` (`hangup`).

    `returns` is an ARI type, `void`, `binary` or a `List[…]`; `status` the one of success; `errors` those documented.
    """

    resource: str
    method: str
    path: str
    name: str
    returns: str
    parameters: tuple[OperationParameter, ...]
    errors: tuple[int, ...]
    status: int

    @property
    def defaults(self) -> Mapping[str, str]:
        """The values that parameters have if they are left out, as texts."""
        return _DEFAULTS.get((self.resource, self.name.removesuffix("WithId")), {})

    @property
    def segments(self) -> list[str]:
        """Return the path in parts, `["channels", "{channelId}"]`."""
        return self.path.split("/")[1:]


@dataclass(frozen=True, slots=True)
class Route:
    """The operation of a request, and the values in its path: `{"channelId": "17.1"}`."""

    operation: Operation
    ids: Mapping[str, str]


@cache
def operations() -> Mapping[str, tuple[Operation, ...]]:
    """All operations by resource, resources sorted by name."""
    data = json.loads(files(__package__).joinpath("operations.json").read_text("utf-8"))["operations"]
    return {resource: tuple(_operation(resource, entry) for entry in data[resource]) for resource in sorted(data)}


def find(method: str, segments: Sequence[str]) -> Route | None:
    """Return the operation for a method and the parts of a path; None if ARI has no such operation.

    A literal part of ARI's path wins over a placeholder: `/channels/create` is not a channel.
    """
    matches = [match for match in _at(segments) if match.operation.method == method]
    return min(matches, key=lambda match: len(match.ids), default=None)


def methods_at(segments: Sequence[str]) -> list[str]:
    """Return the methods of a path, sorted; empty if ARI has no such path."""
    return sorted({match.operation.method for match in _at(segments)})


@cache
def _by_length() -> Mapping[tuple[str, int], Sequence[tuple[Operation, Sequence[str]]]]:
    """Return the operations with their paths in parts, by the first part and the number of parts."""
    by_length: dict[tuple[str, int], list[tuple[Operation, Sequence[str]]]] = {}
    for resource, group in operations().items():
        for operation in group:
            segments = operation.segments
            by_length.setdefault((resource, len(segments)), []).append((operation, segments))
    return by_length


def _at(segments: Sequence[str]) -> Iterator[Route]:
    for operation, template in _by_length().get((segments[0], len(segments)) if segments else ("", 0), ()):
        if all(w == s or (w[0] == "{" and s) for w, s in zip(template, segments, strict=True)):
            yield Route(operation, {w[1:-1]: s for w, s in zip(template, segments, strict=True) if w[0] == "{"})


def _operation(resource: str, entry: Mapping[str, Any]) -> Operation:
    path, returns = entry["path"], entry["returns"]
    parameters = tuple(_parameter(path, name, text) for name, text in entry["parameters"].items())
    status = entry.get("status", 204 if returns == "void" else 200)
    errors = tuple(entry["errors"])
    return Operation(resource, entry["method"], path, entry["name"], returns, parameters, errors, status)


def _parameter(path: str, name: str, text: str) -> OperationParameter:
    bare = text.removesuffix("?")
    multiple = bare.endswith("*")
    bare = bare.removesuffix("*")
    where: Where = "path" if f"{{{name}}}" in path else "body" if bare.startswith("body ") else "query"
    return OperationParameter(name, where, bare.removeprefix("body "), not text.endswith("?"), multiple)
