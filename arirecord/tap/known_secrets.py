"""Secrets that apps have sent: wherever they appear again, in any row and any message, they are replaced."""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from arirecord.asterisk.login import logins_of

from .http import Head
from .secrets import clean_query, is_secret_name, removed

__all__ = ["KnownSecrets"]

_MOST = 200
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
        self._hints: tuple[tuple[bytes, ...], ...] = ()

    def learn(self, head: Head) -> None:
        """Add the secrets of a request: login, tokens, cookies, keys."""
        query = head.target.partition("?")[2]
        for login in logins_of(head.get("authorization"), query):
            self.add(login)
            self.add(login.partition(":")[2])
        for name, value in head.headers:
            if name in ("authorization", "proxy-authorization"):
                self.add(value.partition(" ")[2].strip())
            elif name == "cookie":
                for pair in value.split(";"):
                    self.add_found(pair.partition("=")[2].strip())
            elif is_secret_name(name):
                self.add(value)
        for part in re.split("[&#?]", query):
            name, _, value = part.partition("=")
            if is_secret_name(unquote_plus(name)):
                self.add(unquote_plus(value))
        clean_query(query, self.add_found)
        if "@" in (authority := head.target.partition("://")[2].partition("/")[0]):
            self.add(unquote(urlsplit(f"//{authority}").password or ""))

    def add(self, secret: str) -> None:
        """Add a secret of a login."""
        self._add(secret, self._logins)

    def add_found(self, secret: str) -> None:
        """Add the value of a secret field, unless other texts may well have the same value: a PIN of few digits."""
        if len(secret) >= _LONG or (len(secret) >= _SHORTEST + 2 and not secret.isdigit()):
            self._add(secret, self._found)

    def _add(self, secret: str, secrets: dict[str, None]) -> None:
        if not secret or secret in secrets:
            return
        secrets[secret] = None
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
            if any(all(part in data for part in hint) for hint in self._hints):
                return True
        return self._accepted is not None and self._accepted._may_be_in(data)

    def _compile(self) -> None:
        if self._pattern is not None:
            return
        secrets = sorted(filter(_is_distinct, {**self._logins, **self._found}), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, secrets)) or r"(?!)")
        self._hints = tuple({hint for secret in secrets for hint in _hints_of(secret)})


def _is_distinct(secret: str) -> bool:
    return len(secret) >= _SHORTEST and secret.lower() not in _WORDS


def _pattern_of(secret: str) -> str:
    pattern = "".join(map(_pattern_of_character, secret))
    encoded = base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode().rstrip("=")
    if len(secret) < _LONG and secret.isalnum():
        pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
    return f"{pattern}|{re.escape(encoded)}=*" if len(encoded) >= _LONG else pattern


def _pattern_of_character(character: str) -> str:
    data = character.encode("utf-8", "surrogateescape")
    escaped = "".join(f"%{byte:02x}" for byte in data)
    ways = [re.escape(character), rf"(?i:{escaped})", rf"(?i:\\u{ord(character):04x})"]
    if character in '"\\/':
        ways.append(rf"\\{re.escape(character)}")
    if (entity := html.escape(character)) != character:
        ways.append(re.escape(entity))
    if character == " ":
        ways.append(r"\+")
    if 127 < ord(character) < 256:  # as Latin-1
        ways += [re.escape(data.decode("latin-1")), f"(?i:%{ord(character):02x})"]
    return f"(?:{'|'.join(ways)})"


def _hints_of(secret: str) -> Iterator[tuple[bytes, ...]]:
    """Parts of the secret in each usual encoding: a text that holds it holds all parts of one of these."""
    runs = re.findall(f"[A-Za-z0-9]{{{_SHORTEST - 1},}}", secret)
    yield tuple(run.encode() for run in runs)
    yield (base64.b64encode(secret.encode("utf-8", "surrogateescape")).rstrip(b"="),)
