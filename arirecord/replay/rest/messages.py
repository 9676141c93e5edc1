"""REST requests and responses of ARI, over HTTP or over the WebSocket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson

from arirecord.json_text import json_value

__all__ = ["RestRequest", "RestResponse", "error"]


@dataclass(frozen=True)
class RestRequest:
    """A client's request: `method`, the `target` after `/ari` (`/channels/17.1?x=y`), and the body as received.

    `base` is the URL by which the client calls this server, `http://localhost:8088/ari`.
    """

    method: str
    target: str
    body: bytes = b""
    content_type: str | None = None
    base: str = ""

    @cached_property
    def path(self) -> str:
        """The target without its query, still encoded: `/channels/a%2Fb`."""
        return self.target.partition("?")[0]

    @cached_property
    def segments(self) -> Sequence[str]:
        """The segments of the path, each decoded: an id may contain a slash."""
        return [unquote_plus(part) for part in self.path.removeprefix("/").split("/")]

    @cached_property
    def query(self) -> Sequence[tuple[str, str]]:
        """The parameters in the query, without the password in `api_key`."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        return [(name, value) for name, value in pairs if name != "api_key"]

    @cached_property
    def form(self) -> Sequence[tuple[str, str]]:
        """The parameters in a body that is a form."""
        if not (self.content_type or "").startswith("application/x-www-form-urlencoded"):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @cached_property
    def document(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        return json_value(self.body)

    @property
    def is_json(self) -> bool:
        """Whether the body is declared as JSON."""
        return (self.content_type or "").startswith("application/json")

    def values(self, name: str) -> Sequence[str]:
        """The values of a parameter that may be repeated, or a list with commas; without empty ones."""
        texts = [value for key, value in (*self.query, *self.form) if key == name] or [self.parameters.get(name, "")]
        return [value for text in texts for value in text.split(",") if value]

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The parameters as texts, also from the body, as in Asterisk; the last of a repeated one counts."""
        in_query = dict(self.query)
        given: Mapping[str, Any] = self.document if isinstance(self.document, dict) else dict(self.form)
        return in_query | {name: _text(value) for name, value in given.items() if not isinstance(value, dict)}


@dataclass(frozen=True, slots=True)
class RestResponse:
    """A response: an HTTP `status` and a JSON `value`, or a `body` that is sent unchanged; with neither, no content."""

    status: int
    value: Any = None
    body: bytes | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if self.body is not None:
            return self.body
        return b"" if self.value is None else orjson.dumps(self.value)

    @property
    def reason(self) -> str:
        """The reason phrase of the status."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> RestResponse:
    """An error response in ARI's shape."""
    return RestResponse(status, {"message": message}, headers=headers or {})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return value if isinstance(value, str) else str(value)
