"""Rules for differences between requests that are ignored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

import orjson

from arirecord.replay.rest.request_key import RequestKey

from .volatile_values import mask_volatile

__all__ = ["DEFAULT_RULES", "REPEATED", "Rule", "Rules", "path_of"]

DEFAULT_RULES: Final = ("GET /asterisk/ping", "GET /asterisk/info", "GET /sounds*")
"""Requests that check whether Asterisk runs, and requests for constant data: they are ignored."""

REPEATED: Final = "repeated "
"""Begins a rule for requests that an app sends any number of times."""

# For several channels at once these do the same as for one after the other.
_OF_EACH: Final = {"addChannel", "removeChannel"}

# A shorter id would be found in other words.
_OWN_ID: Final = 4


@dataclass(frozen=True)
class Rule:
    """`METHOD PATH`, patterns with `*`: such requests are not compared. With `?name,name` only these parameters are
    ignored; a name within `variables` is written `variables.name`. `repeated METHOD PATH`: of equal requests of a call,
    only the first is compared.
    """

    method: str
    path: str
    names: tuple[str, ...] = ()
    is_repeated: bool = False

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Parse a rule of a user. Raises `ValueError` with the expected form."""
        is_repeated = text.strip().startswith(REPEATED)
        method, space, rest = text.strip().removeprefix(REPEATED).strip().partition(" ")
        path, mark, names = rest.strip().partition("?")
        ignored = tuple(name.strip() for name in names.split(",") if name.strip())
        if not space or not path.startswith(("/", "*")) or (mark and (is_repeated or not ignored)):
            raise ValueError(
                f"{text!r} is not a rule: write METHOD PATH or METHOD PATH?NAME, as in 'POST /channels?timeout'"
            )
        return cls(method.upper(), path, ignored, is_repeated)

    def fits(self, key: RequestKey) -> bool:
        """Whether the rule matches a request."""
        return fnmatchcase(key.operation.method, self.method) and fnmatchcase(path_of(key), self.path)


class Rules:
    """Turns requests into text for the comparison.

    `knows` reports whether a text is a recorded id; those are compared. `moments_s` are times, in seconds since 1970
    of the recording and of now: a number within one day of these is a time; any other may be a phone number. Parameters
    without a value or with their default are left out, unless `strict`.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        knows: Callable[[str], bool],
        moments_s: Sequence[float] = (),
        strict: bool = False,
    ) -> None:
        self._rules = [rule for rule in rules if not rule.is_repeated]
        self._repeated = [rule for rule in rules if rule.is_repeated]
        self._knows = knows
        self._moments_s = moments_s
        self._strict = strict

    def counts_once(self, key: RequestKey) -> bool:
        """Whether only the first of equal requests is compared."""
        return any(rule.fits(key) for rule in self._repeated)

    def texts(self, key: RequestKey) -> list[str]:
        """A request as it is compared and shown, `POST /channels/17.1/play?media=sound:hi`; none if it is ignored.

        A request for several channels is as many requests, unless `strict`.
        """
        one = self.text(key)
        parameters = dict(key.parameters)
        if one is None or self._strict or key.operation.name not in _OF_EACH or "channel" not in parameters:
            return [] if one is None else [one]
        each = [{**parameters, "channel": channel} for channel in parameters["channel"].split(",")]
        texts = [self.text(replace(key, parameters=tuple(sorted(pairs.items())))) for pairs in each]
        return [text for text in texts if text is not None]

    def text(self, key: RequestKey) -> str | None:
        """The same of a request as a whole; None if it is ignored."""
        fitting = [rule for rule in self._rules if rule.fits(key)]
        if any(not rule.names for rule in fitting):
            return None
        hidden = {name for rule in fitting for name in rule.names}
        defaults = key.operation.defaults
        pairs = [
            (name, value)
            for name, value in key.parameters
            if not _is_hidden(name, hidden) and (self._strict or (value != "" and defaults.get(name) != value))
        ]
        query = "&".join(f"{name}={self._masked(value, key)}" for name, value in pairs)
        body = self._body(key, hidden)
        return f"{key.operation.method} {self._masked(path_of(key), key)}" + (f"?{query}" if query else "") + body

    def _body(self, key: RequestKey, hidden: set[str]) -> str:
        if not key.body:
            return ""
        value = _without(orjson.loads(key.body), hidden, "")
        return f" {self._masked(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(), key)}" if value else ""

    def _masked(self, text: str, key: RequestKey) -> str:
        # An app may name what it creates again in the same request: in arguments, in a variable.
        for own_id in (key.new_resource[1] if key.new_resource else "", key.local_second_id):
            if len(own_id) >= _OWN_ID:
                text = text.replace(own_id, "<id>")
        return mask_volatile(text, self._knows, self._moments_s)


def path_of(key: RequestKey) -> str:
    """The path of a request in recorded ids, without the id that a client chose for a new resource."""
    subject = dict(key.path_ids)
    parts = [
        quote(subject.get(part[1:-1], ""), safe=":@ ") if part.startswith("{") else part
        for part in key.operation.segments
    ]
    return "/" + "/".join(part for part in parts if part)


def _is_hidden(name: str, hidden: set[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in hidden)


def _without(value: Any, hidden: set[str], before: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    kept = {key: _without(v, hidden, f"{before}{key}.") for key, v in value.items() if f"{before}{key}" not in hidden}
    return {key: v for key, v in kept.items() if v != {}}
