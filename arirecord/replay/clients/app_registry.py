"""The Stasis applications of a replay: their clients, event filters and subscriptions; events about them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import orjson

from arirecord.json_text import json_value

__all__ = ["Applications", "EventFilter", "ari_time", "asked_applications", "registered", "replaced", "rewrite"]

Owner = TypeVar("Owner")

# The event sources that Asterisk lists for an application with subscribeAll.
_EVERYTHING: Final = {
    "channel": "__AST_CHANNEL_ALL_TOPIC",
    "bridge": "__AST_BRIDGE_ALL_TOPIC",
    "endpoint": "__AST_ENDPOINT_ALL_TOPIC",
    "deviceState": "__AST_DEVICE_STATE_ALL_TOPIC",
}


@dataclass(slots=True)
class EventFilter:
    """Event types an application receives: all but the disallowed ones, or only the allowed if there are any."""

    allowed: frozenset[str] = frozenset()
    disallowed: frozenset[str] = frozenset()

    def lets(self, event_type: str | None) -> bool:
        """Whether events of a type pass. A frame that is not an event passes."""
        if event_type is None:
            return True
        return event_type not in self.disallowed and (not self.allowed or event_type in self.allowed)

    def set(self, event_filter: object) -> bool:
        """Set the filter from a client's JSON, `{"allowed": [{"type": "StasisStart"}]}`; an empty one clears both.

        Returns False for any other shape; then nothing changes.
        """
        if not isinstance(event_filter, dict):
            return False
        lists = {name: _types(event_filter[name]) for name in ("allowed", "disallowed") if name in event_filter}
        if any(types is None for types in lists.values()):
            return False
        if not event_filter:
            self.allowed = self.disallowed = frozenset()
        self.allowed = lists.get("allowed") or (frozenset() if "allowed" in lists else self.allowed)
        self.disallowed = lists.get("disallowed") or (frozenset() if "disallowed" in lists else self.disallowed)
        return True


def _types(entries: object) -> frozenset[str] | None:
    if not isinstance(entries, list):
        return None
    names = [entry["type"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("type"), str)]
    return frozenset(names) if len(names) == len(entries) else None


@dataclass
class Application(Generic[Owner]):
    """One application: its client, filter, subscriptions (`channel:17.1`), and whether it subscribed to everything."""

    owner: Owner
    hears_all: bool = False
    filter: EventFilter = field(default_factory=EventFilter)
    sources: dict[str, None] = field(default_factory=dict)


class Applications(Generic[Owner]):
    """The applications that clients have now, by the name that the client used."""

    def __init__(self) -> None:
        self._all: dict[str, Application[Owner]] = {}
        self._left: dict[str, dict[str, None]] = {}

    def claim(self, owner: Owner, names: Iterable[str], hears_all: bool = False) -> Sequence[tuple[Owner, str]]:
        """Give applications to a client; with `hears_all` it receives all events as these applications.

        Returns the applications that the client took from older clients, as `(older owner, name)`.
        """
        taken = []
        for name in names:
            if holder := self._all.get(name):
                taken.append((holder.owner, name))
                holder.owner, holder.hears_all = owner, hears_all
            else:
                self._all[name] = Application(owner, hears_all, sources=self._left.pop(name, {}))
        return taken

    def release(self, owner: Owner) -> None:
        """Release the applications of a client that has gone. Their subscriptions stay for the client's return."""
        self._left |= {name: app.sources for name, app in self._all.items() if app.owner is owner and app.sources}
        self._all = {name: app for name, app in self._all.items() if app.owner is not owner}

    def filter(self, name: str) -> EventFilter | None:
        """The filter of an application; None if no client has it."""
        return app.filter if (app := self._all.get(name)) else None

    def sources(self, name: str) -> Mapping[str, None]:
        """The event sources that an application of a client subscribed to; the mapping changes with them."""
        return self._all[name].sources

    def subscribe(self, name: str, sources: Iterable[str]) -> None:
        """Add event sources to the subscriptions of an application."""
        self._all[name].sources.update(dict.fromkeys(sources))

    def unsubscribe(self, name: str, sources: Iterable[str]) -> None:
        """Remove event sources from the subscriptions of an application."""
        for source in sources:
            self._all[name].sources.pop(source, None)

    def names(self) -> list[str]:
        """The applications that clients have."""
        return list(self._all)

    def describe(
        self, name: str, channels: Iterable[str] = (), bridges: Iterable[str] = ()
    ) -> Mapping[str, Any] | None:
        """An application in ARI's shape; None if no client has it. It receives events of the given channels and bridges
        without a subscription, too.
        """
        if (app := self._all.get(name)) is None:
            return None

        def ids(scheme: str, more: Iterable[str] = ()) -> list[str]:
            if app.hears_all:
                return [_EVERYTHING[scheme]]
            asked = [source.partition(":")[2] for source in app.sources if source.partition(":")[0] == scheme]
            return list(dict.fromkeys([*asked, *more]))

        return {
            "name": name,
            "channel_ids": ids("channel", channels),
            "bridge_ids": ids("bridge", bridges),
            "endpoint_ids": ids("endpoint"),
            "device_names": ids("deviceState"),
            "events_allowed": [{"type": kind} for kind in sorted(app.filter.allowed)],
            "events_disallowed": [{"type": kind} for kind in sorted(app.filter.disallowed)],
        }


def asked_applications(values: Iterable[str]) -> list[str]:
    """The names in the values of `app`: each value is a name or a list of names with commas, as in Asterisk."""
    names = (name.strip() for value in values for name in value.split(","))
    return list(dict.fromkeys(name for name in names if name))


# Asterisk writes `application` last. Read from the end it is certain that this is the top level: the last
# brace closes it, and no quote in this tail follows a backslash, so each of them begins or ends a string.
_LAST = re.compile(r'"application"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")[ \t\r\n]*\}[ \t\r\n]*\Z')

_SPACE = " \t\r\n"

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]', re.DOTALL)


def rewrite(raw: str, application: str) -> str:
    """The JSON object `raw` with the value of its own `application` replaced and no other character changed.

    Nested keys of the same name stay. Of a repeated key the last is replaced, as parsers use the last. Without such a
    key, or if `raw` is not a JSON object, it is returned unchanged.
    """
    begin, end = _last_value(raw) or _any_value(raw) or (0, 0)
    return raw[:begin] + orjson.dumps(application).decode() + raw[end:] if end else raw


def _last_value(raw: str) -> tuple[int, int] | None:
    begin = raw.rfind('"application"')
    match = _LAST.match(raw, begin) if begin > 0 and raw[begin - 1] in "{, \t\r\n" else None
    return match.span(1) if match else None


def _any_value(raw: str) -> tuple[int, int] | None:
    """Find the value of the top-level `application`, token by token: any depth and any size of numbers is possible."""
    last: tuple[int, int] | None = None
    begin: int | None = None
    depth = 0
    before = ""
    for token in _TOKEN.finditer(raw):
        mark = token[0]
        if begin is not None and depth == 1 and mark in (",", "}"):
            last, begin = (begin, token.start()), None
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
        elif mark == ":" and depth == 1 and json_value(before) == "application":
            begin = token.end()
        before = mark
    if last is None:
        return None
    value = raw[last[0] : last[1]]
    return last[1] - len(value.lstrip(_SPACE)), last[0] + len(value.rstrip(_SPACE))


def ari_time(ns: int) -> str:
    """Nanoseconds since 1970 UTC as ARI writes times: `2026-11-23T22:05:24.514+0000`, cut to milliseconds."""
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 10**6 % 1000:03}+0000"


def replaced(application: str, moment: str, asterisk_id: str) -> str:
    """The event ApplicationReplaced: another client has taken the application."""
    event = {"type": "ApplicationReplaced", "application": application}
    return orjson.dumps({**event, "timestamp": moment, "asterisk_id": asterisk_id}).decode()


def registered(application: str, moment: str, asterisk_id: str) -> str:
    """The event with which Asterisk begins an outbound WebSocket."""
    event = {"type": "ApplicationRegistered", "timestamp": moment, "application": application}
    return orjson.dumps({**event, "asterisk_id": asterisk_id}).decode()
