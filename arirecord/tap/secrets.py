"""Secrets that must not be recorded: the credentials of ARI, and passwords in Asterisk's configuration."""

import re
from typing import Any
from urllib.parse import unquote_plus

import orjson

from arirecord.asterisk.login import logins_of

from .http import Head

__all__ = ["clean_body", "clean_query", "clean_uri", "user_of"]

_PARAMETERS = {"api_key", "apikey", "password", "passwd", "secret", "token", "access_token"}
_FIELDS = re.compile("password|secret|md5_cred|password_digest|token|api_key", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"
_CONFIGURATION = "asterisk/config/dynamic/"
_REMOVED = "(removed)"


def clean_query(query: str) -> str:
    """A query, or a form, without the parameters that hold credentials; the rest is unchanged."""
    parts = query.split("&")
    return "&".join(part for part in parts if unquote_plus(part.partition("=")[0]).lower() not in _PARAMETERS)


def clean_uri(uri: str) -> str:
    """Path and query of a URI, without credentials; the rest is unchanged."""
    uri = re.sub(r"^[a-z]+://[^/?]*", "", uri, flags=re.IGNORECASE)
    path, mark, query = uri.partition("?")
    query = clean_query(query)
    return path + mark + query if query else path


def clean_body(uri: str, content_type: str | None, body: bytes) -> bytes:
    """A body without credentials: the parameters of a form, and the secrets in Asterisk's configuration.

    Everything else is returned unchanged.
    """
    if content_type is not None and content_type.lower().startswith(_FORM):
        return clean_query(body.decode("latin-1")).encode("latin-1")
    if _CONFIGURATION not in uri or not body:
        return body
    try:
        return orjson.dumps(_without_secrets(orjson.loads(body)))
    except ValueError:
        return _REMOVED.encode()


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(name := value.get("attribute"), str) and _FIELDS.search(name):
        return {**value, "value": _REMOVED}
    return {key: _REMOVED if _FIELDS.search(key) else _without_secrets(item) for key, item in value.items()}


def user_of(head: Head) -> str | None:
    """The user name of a request's login, without the password; None if it cannot be read."""
    logins = logins_of(head.get("authorization"), head.target.partition("?")[2])
    return logins[0].partition(":")[0] if logins else None
