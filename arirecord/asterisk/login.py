"""How a client logs in to ARI: HTTP Basic authentication, or `api_key=NAME:PASSWORD` in the query."""

import base64
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs

__all__ = ["CHALLENGE", "basic_header", "is_same", "logins_of"]

CHALLENGE = {"WWW-Authenticate": 'Basic realm="arirecord"'}
"""The header of a response 401."""


def basic_header(user: str, password: str) -> str:
    """The value of the header `Authorization`."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def logins_of(authorization: str | None, query: str) -> Sequence[str]:
    """Each `NAME:PASSWORD` that a request carries, of its `Authorization` header and its query."""
    return [*_basic(authorization or ""), *parse_qs(query, keep_blank_values=True).get("api_key", [])]


def _basic(header: str) -> Sequence[str]:
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        return [base64.b64decode(coded.strip(), validate=True).decode("utf-8", "replace")]
    except ValueError:
        return []


def is_same(given: str, expected: str) -> bool:
    """Whether two texts are equal; the time that it takes does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))
