"""Secrets that apps have sent: wherever they appear again, in any row and any message, they are replaced."""

import base64
import html
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from arirecord.asterisk.login import logins_of

from .http import Head
from .secret_names import is_secret_name
from .secrets import clean_query, clean_text, removed

__all__ = ["KnownSecrets"]

_DIGEST = re.compile(r'\bresponse="([^"]+)"')
_SECRET_HEADER = re.compile(r"^(?!sec-websocket-|idempotency-).*-key$|(?<![a-z])auth$")
_CHANNEL_ID = re.compile(r"(?:[\w.-]+-)?[0-9]{9,10}\.[0-9]{1,9}")
_MOST = 64
_PIECE = 500
_LONGEST = 4000
_SHORTEST = 4
_LONG = 8
_WORDS = {"asterisk", "password", "secret", "channel", "channels", "bridges", "events", "application", "stasis"}
"""Passwords that are also words of ARI: only `user:password` and its encodings are replaced."""


class KnownSecrets:
    """The secrets of one connection, and of `accepted`, which all connections of a tap share.

    Only secrets with which Asterisk accepted a request are shared: a stranger could otherwise have any words
    removed from the recording.
    """

    def __init__(self, accepted: "KnownSecrets | None" = None) -> None:
        self._accepted = accepted
        self._logins: dict[str, None] = {}
        self._found: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._hints: dict[bytes, list[tuple[bytes, ...]]] = {}

    def learn(self, head: Head) -> None:
        """Add the secrets of a request: login, tokens, cookies, keys."""
        query = head.target.partition("?")[2]
        for header in ("authorization", "proxy-authorization"):
            for login in logins_of(head.get(header), query):
                self.add(login)
                self.add(login.partition(":")[2])
        self.learn_headers(head)
        for part in re.split("[&#?]", query):
            name, _, value = part.partition("=")
            if is_secret_name(unquote_plus(name)):
                self.add(unquote_plus(value))
        clean_query(query, self.add_found)
        if "@" in (authority := head.target.partition("://")[2].partition("/")[0]):
            self.add(unquote(urlsplit(f"//{authority}").password or ""))

    def learn_headers(self, head: Head) -> None:
        """Add the secrets in the headers of a request or a response."""
        for name, value in head.headers:
            if name in ("authorization", "proxy-authorization"):
                scheme, space, login = value.partition(" ")
                for secret in (login.strip() if space else scheme, login.partition(":")[2], *_DIGEST.findall(value)):
                    self.add(secret)
            elif name in ("cookie", "set-cookie"):
                for pair in value.split(";")[: 1 if name == "set-cookie" else None]:
                    self.add_found((pair.partition("=")[2] or pair).strip(' "'))
            elif _SECRET_HEADER.search(name) or is_secret_name(name):
                self.add(value)
                self.add(value.partition("=")[2])
            else:
                clean_text(value, self.add_found)

    def add(self, secret: str) -> None:
        """Add a secret of a login."""
        self._add(secret, self._logins)

    def add_found(self, secret: str) -> None:
        """Add the value of a secret field, unless other texts may have the same value: a short PIN, an id."""
        if _CHANNEL_ID.fullmatch(secret):
            return
        if len(secret) >= _LONG or (len(secret) >= _SHORTEST + 2 and not secret.isdigit()):
            self._add(secret, self._found)

    def _add(self, secret: str, secrets: dict[str, None]) -> None:
        for start in range(0, min(len(secret), _LONGEST), _PIECE):  # a pattern is many times as long as its secret
            if (piece := secret[start : start + _PIECE]) not in secrets:
                secrets[piece] = None
                if len(secrets) > _MOST:
                    del secrets[next(iter(secrets))]
                self._pattern = None

    def accept(self) -> None:
        """Share the secrets: Asterisk has accepted them."""
        if self._accepted is not None:
            for secret in self._logins:
                self._accepted.add(secret)
            for secret in self._found:
                self._accepted.add_found(secret)

    def mask(self, text: str) -> str:
        """Replace the secrets in a text, also where they are written with %XX, JSON escapes or HTML entities."""
        if not self._may_be_in(text.encode("utf-8", "surrogatepass")):
            return text
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: removed(match[0]), text)
        return text if self._accepted is None else self._accepted.mask(text)

    def mask_fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The columns of a row without secrets."""
        return {name: self.mask(value) if isinstance(value, str) else value for name, value in fields.items()}

    def mask_bytes(self, data: bytes) -> bytes:
        """The same for bytes."""
        if not self._may_be_in(data):
            return data
        return self.mask(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _may_be_in(self, data: bytes) -> bool:
        if self._logins or self._found:
            self._compile()
            lowered = data.lower()
            for mark, hints in self._hints.items():
                if mark in lowered and any(all(part in lowered for part in hint) for hint in hints):
                    return True
        return self._accepted is not None and self._accepted._may_be_in(data)

    def _compile(self) -> None:
        if self._pattern is not None:
            return
        secrets = sorted(filter(_is_distinct, {**self._logins, **self._found}), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, secrets)) or r"(?!)", re.IGNORECASE)
        self._hints = {}
        for secret in reversed(secrets):
            data = secret.lower().encode("utf-8", "surrogateescape")
            if not any(all(part in data for part in hint) for hint in self._hints.get(b"", ())):  # finds it, too
                for mark, hint in dict.fromkeys(_hints_of(secret)):
                    self._hints.setdefault(mark, []).append(hint)


def _is_distinct(secret: str) -> bool:
    return len(secret) >= _SHORTEST and secret.lower() not in _WORDS


def _pattern_of(secret: str) -> str:
    pattern = "".join(_pattern_of_part(*part.groups()) for part in re.finditer(r"(\\*)([^\\]|\Z)", secret))
    if len(secret) < _LONG and secret.isalnum():
        pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
    whole = (
        "".join(_any_of(_ways(sign)) if sign in "+/" else sign for sign in code) for code in _wholly_encoded(secret)
    )
    return "|".join([pattern, *(rf"{encoded}[\w+/-]{{0,3}}(?:=|%3d){{0,2}}" for encoded in whole)])


def _pattern_of_part(backslashes: str, character: str) -> str:
    """A character with the backslashes before it: JSON in JSON doubles them each time.

    Each text matches in one way only, or many of them would take exponential time.
    """
    count = len(backslashes)
    if not count:
        return _any_of(_ways(character)) if character else ""
    coded = rf"{_any_of(_ways(backslashes[0])[1:])}{{{count}}}"
    if not character:
        return _any_of([*(rf"\\{{{times * count}}}" for times in (8, 4, 2, 1)), coded])
    escaped = rf"\\{{{count},{8 * count + 8}}}(?:{re.escape(character)}|u{ord(character):04x})"
    return _any_of([escaped, coded + _any_of(_ways(character))])


def _any_of(patterns: Iterable[str]) -> str:
    return f"(?:{'|'.join(patterns)})"


def _ways(character: str) -> list[str]:
    """The ways in which a character is written, the plain one first."""
    data = character.encode("utf-8", "surrogateescape")
    number = ord(character)
    ways = [
        rf"\\{{0,8}}{re.escape(character)}" if character in "\"'/" else re.escape(character),
        "".join(f"%(?:25)*{byte:02x}" for byte in data),
        rf"\\+u{number:04x}",
        rf"&(?:amp;)*\#(?:0*{number}|x0*{number:x});",
        "".join(rf"\\+x{byte:02x}" for byte in data),
    ]
    if (entity := html.escape(character)) != character:
        ways.append(f"&(?:amp;)*{re.escape(entity[1:])}")
    if character == " ":
        ways.append(r"\+")
    if 127 < number < 256:  # as Latin-1
        ways += [re.escape(data.decode("latin-1")), f"%{number:02x}"]
    return ways


def _wholly_encoded(secret: str) -> Iterator[str]:
    """The secret in hex, and in base64 at each place of three bytes, without the characters that others share."""
    data = secret.encode("utf-8", "surrogateescape")
    yield data.hex()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        encoded = encoded[(0, 2, 3)[shift] : -4 if (shift + len(data)) % 3 else None]
        if len(encoded) >= _LONG:
            yield encoded
            yield encoded.replace("+", "-").replace("/", "_")


_ESCAPES = {b"%": "{:02x}", b"\\u": "u{:04x}", b"\\x": "x{:02x}", b"&#": "{};", b"&#x": "x{:x};"}
"""How a character is written behind a mark."""


def _hints_of(secret: str) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    """A mark and parts of the secret for each usual encoding, in lower case: a text that holds the secret holds the
    mark and all parts of one of these.
    """
    yield b"", tuple(run.lower().encode() for run in re.findall(f"[A-Za-z0-9]{{{_SHORTEST - 1},}}", secret))
    for encoded in _wholly_encoded(secret):
        yield b"", tuple(run.lower().encode() for run in re.split("[+/]", encoded))
    for mark, form in _ESCAPES.items():
        yield mark, tuple(form.format(ord(character)).encode() for character in secret[:_SHORTEST])
