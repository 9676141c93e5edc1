"""Who may ask: a name and a password, as ARI clients send them."""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

__all__ = ["CHALLENGE", "ClientAuth"]

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="arirecord"'}
"""The header that a 401 carries."""


@dataclass(frozen=True, slots=True)
class ClientAuth:
    """The one name and password that are let in; without a `user` everybody is."""

    user: str | None = None
    password: str = field(default="", repr=False)

    def allows(self, authorization: str | None, query: str) -> bool:
        """Whether an `Authorization` header or the `api_key` of a query (`app=a&api_key=u:p`) is the right one."""
        if self.user is None:
            return True
        expected = f"{self.user}:{self.password}"
        given = [_basic(authorization), *parse_qs(query, keep_blank_values=True).get("api_key", [])]
        return any(_same(text, expected) for text in given if text is not None)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def _basic(header: str | None) -> str | None:
    scheme, _, coded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(coded.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
