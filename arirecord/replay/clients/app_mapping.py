"""The names of applications: as clients ask for them, and as frames carry them."""

import re
from collections.abc import Iterable

import orjson

__all__ = ["asked_applications", "rewrite"]


def asked_applications(values: Iterable[str]) -> list[str]:
    """The names in the values of `app`, each a name or several with commas between, as Asterisk takes them."""
    names = (name.strip() for value in values for name in value.split(","))
    return list(dict.fromkeys(name for name in names if name))


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
