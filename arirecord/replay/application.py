"""Whose frames a client gets, and frames under another application's name."""

import base64
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson

from arirecord.session.reader import Frame

__all__ = ["Audience", "asked_applications", "audience", "rewrite"]

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Audience:
    """What one client is to get: the frames of `applications`, and those that name none.

    `alias` is the name under which it gets them where that is not the recorded one. `notice` is a sentence
    for the person who runs the replay, where there is something to say.
    """

    applications: frozenset[str]
    alias: str | None = None
    notice: str | None = None

    def recorded(self, name: str) -> str:
        """The name in the recording of an application that the client calls `name`."""
        return next(iter(self.applications)) if name == self.alias else name

    def payload(self, frame: Frame) -> str | bytes | None:
        """The message this client gets for a frame: text, or bytes where bytes were recorded; None: nothing."""
        if frame.kind not in ("event", "binary"):
            return None
        if frame.application is None:
            return frame.raw if frame.kind != "binary" else base64.b64decode(frame.raw)
        if frame.application not in self.applications:
            return None
        return frame.raw if self.alias is None else rewrite(frame.raw, self.alias)


def asked_applications(values: Iterable[str]) -> list[str]:
    """The names in the values of `app`, each a name or several with commas between, as Asterisk takes them."""
    names = (name.strip() for value in values for name in value.split(","))
    return list(dict.fromkeys(name for name in names if name))


def audience(asked: Sequence[str], recorded: Collection[str]) -> Audience:
    """Who asks for `asked` gets what of a recording of the applications `recorded`.

    Of a recording of one application, a client that asks for others gets that one's frames under the first
    name it asked for.
    """
    unknown = [name for name in asked if name not in recorded]
    if not unknown:
        return Audience(frozenset(asked))
    if len(recorded) == 1 and len(unknown) == len(asked):
        (only,) = recorded
        notice = f"application {asked[0]!r} is not in the recording; it gets the frames of {only!r} under its name"
        return Audience(frozenset([only]), asked[0], notice)
    names = f"application{'s' * (len(unknown) > 1)} {_listed(unknown)}"
    are = "are" if len(unknown) > 1 else "is"
    has = f"it has {_listed(recorded)}" if recorded else "its frames name none"
    return Audience(frozenset(asked), notice=f"{names} {are} not in the recording; {has}")


def _listed(names: Collection[str]) -> str:
    first = ", ".join(repr(name) for name in list(names)[:_NAMED])
    return first if len(names) <= _NAMED else f"{first} and {len(names) - _NAMED} more"


# Asterisk writes `application` last. Read from the end there is no doubt that this is the top level: the last
# brace closes it, and no quote in this tail follows a backslash, so each of them begins or ends a string.
_LAST = re.compile(r'"application"[ \t\r\n]*:[ \t\r\n]*("[^"\\]*")[ \t\r\n]*\}[ \t\r\n]*\Z')
_SPACE = " \t\r\n"
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]', re.DOTALL)


def rewrite(raw: str, application: str) -> str:
    """The JSON object `raw` with the value of its own `application` replaced and no other character changed.

    Nested keys of the same name stay; of a key given twice the last is replaced, which is the one parsers
    take. Without such a key, or if `raw` is no JSON object, it is returned as it is.
    """
    begin, end = _last_value(raw) or _any_value(raw) or (0, 0)
    return raw[:begin] + orjson.dumps(application).decode() + raw[end:] if end else raw


def _last_value(raw: str) -> tuple[int, int] | None:
    begin = raw.rfind('"application"')
    match = _LAST.match(raw, begin) if begin > 0 and raw[begin - 1] in "{, \t\r\n" else None
    return match.span(1) if match else None


def _any_value(raw: str) -> tuple[int, int] | None:
    """Where the value of the top-level `application` is, token by token, so that no depth or number is too much."""
    found: tuple[int, int] | None = None
    begin: int | None = None
    depth = 0
    before = ""
    for token in _TOKEN.finditer(raw):
        mark = token[0]
        if begin is not None and depth == 1 and mark in (",", "}"):
            found, begin = (begin, token.start()), None
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
        elif mark == ":" and depth == 1 and _names_application(before):
            begin = token.end()
        before = mark
    if found is None:
        return None
    value = raw[found[0] : found[1]]
    return found[1] - len(value.lstrip(_SPACE)), found[0] + len(value.rstrip(_SPACE))


def _names_application(key: str) -> bool:
    try:
        return bool(orjson.loads(key) == "application")
    except ValueError:
        return False
