"""Rules for differences between requests that are ignored."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

import orjson

from arirecord.replay.rest.request_key import RequestKey

__all__ = ["DEFAULT_RULES", "Rule", "Rules", "path_of"]

DEFAULT_RULES: Final = ("GET /asterisk/ping", "GET /asterisk/info", "GET /sounds*")
"""Requests that check whether Asterisk runs, and requests for constant data: they are ignored."""

_UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_DATE: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_NUMBER: Final = re.compile(r"(?<![\w.-])[0-9]{10}(?:[0-9]{3})?(?![\w.-])")
_DAY_S: Final = 86_400


@dataclass(frozen=True)
class Rule:
    """`METHOD PATH`, patterns with `*`: such requests are not compared. With `?name,name` only these parameters are
    ignored; a name within `variables` is written `variables.name`.
    """

    method: str
    path: str
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Parse a rule of a user. Raises `ValueError` with the expected form."""
        method, space, rest = text.strip().partition(" ")
        path, mark, names = rest.strip().partition("?")
        found = tuple(name.strip() for name in names.split(",") if name.strip())
        if not space or not path.startswith(("/", "*")) or (mark and not found):
            raise ValueError(
                f"{text!r} is not a rule: write METHOD PATH or METHOD PATH?NAME, as in 'POST /channels?timeout'"
            )
        return cls(method.upper(), path, found)

    def fits(self, what: RequestKey) -> bool:
        """Whether the rule matches a request."""
        return fnmatchcase(what.operation.method, self.method) and fnmatchcase(path_of(what), self.path)


class Rules:
    """Turns requests into text for the comparison.

    `knows` reports whether a text is a recorded id; those are compared. `moments_s` are times, in seconds since 1970
    of the recording and of now: a number within one day of these is a time; any other may be a phone number.
    """

    def __init__(self, rules: Sequence[Rule], knows: Callable[[str], bool], moments_s: Sequence[float] = ()) -> None:
        self._rules = rules
        self._knows = knows
        self._moments_s = moments_s

    def text(self, what: RequestKey) -> str | None:
        """A request as it is compared and shown, `POST /channels/17.1/play?media=sound:hi`; None if it is ignored."""
        fitting = [rule for rule in self._rules if rule.fits(what)]
        if any(not rule.names for rule in fitting):
            return None
        hidden = {name for rule in fitting for name in rule.names}
        pairs = [(name, value) for name, value in what.parameters if not _is_hidden(name, hidden)]
        query = "&".join(f"{name}={self._steady(value)}" for name, value in pairs)
        body = self._body(what.document, hidden)
        return f"{what.operation.method} {self._steady(path_of(what))}" + (f"?{query}" if query else "") + body

    def _body(self, document: str, hidden: set[str]) -> str:
        if not document:
            return ""
        value = _without(orjson.loads(document), hidden, "")
        return f" {self._steady(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())}" if value else ""

    def _steady(self, text: str) -> str:
        """The text with changing values replaced: times, and UUIDs that are not ids of the recording."""
        text = _UUID.sub(lambda found: found[0] if self._knows(found[0]) else "<uuid>", text)
        text = _DATE.sub("<time>", text)
        return _NUMBER.sub(lambda found: "<time>" if self._is_time(found[0]) else found[0], text)

    def _is_time(self, number: str) -> bool:
        at_s = int(number) / (1 if len(number) == 10 else 1000)
        return not self._knows(number) and any(abs(at_s - moment_s) < _DAY_S for moment_s in self._moments_s)


def path_of(what: RequestKey) -> str:
    """The path of a request in recorded ids, without the id that a client chose for a new resource."""
    subject = dict(what.subject)
    parts = [
        quote(subject.get(part[1:-1], ""), safe=":@ ") if part.startswith("{") else part
        for part in what.operation.segments
    ]
    return "/" + "/".join(part for part in parts if part)


def _is_hidden(name: str, hidden: set[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in hidden)


def _without(value: Any, hidden: set[str], before: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    kept = {key: _without(v, hidden, f"{before}{key}.") for key, v in value.items() if f"{before}{key}" not in hidden}
    return {key: v for key, v in kept.items() if v != {}}
