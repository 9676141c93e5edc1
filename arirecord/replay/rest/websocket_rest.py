"""REST over the WebSocket: `RESTRequest` in, `RESTResponse` out."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from arirecord.json_text import json_value

from .messages import RestRequest, RestResponse, error

__all__ = ["RestMessage", "parse_message", "response_text"]


@dataclass(frozen=True, slots=True)
class RestMessage:
    """A client's message: the `request` in it, or without one the `refusal` of the message and its `reason`."""

    fields: dict[str, Any]
    uri: str = ""
    request: RestRequest | None = None
    refusal: RestResponse = field(default_factory=lambda: RestResponse(400))
    reason: str = "Bad request"


def parse_message(text: str) -> RestMessage:
    """Parse any message of a client."""
    fields = json_value(text)
    if not isinstance(fields, dict):
        return RestMessage({}, reason="Failed to parse request message JSON")
    if fields.get("type") != "RESTRequest":
        return RestMessage(fields, refusal=error(400, "Unknown request type."))
    if not _text(fields, "uri"):
        return RestMessage(fields, refusal=error(400, "Empty or missing 'uri' property."))
    uri, _, query = _text(fields, "uri").partition("?")
    listed = fields.get("query_strings")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    more = urlencode([(_text(entry, "name"), _text(entry, "value")) for entry in entries])
    target = "/" + uri.removeprefix("/").removeprefix("ari/")
    query = "&".join(part for part in (query, more) if part)
    body = _text(fields, "message_body").encode()
    request = RestRequest(
        _text(fields, "method") or "GET",
        f"{target}?{query}" if query else target,
        body,
        _text(fields, "content_type") or None,
    )
    return RestMessage(fields, uri, request)


def response_text(message: RestMessage, response: RestResponse, application: str, moment: str, asterisk_id: str) -> str:
    """The `RESTResponse` to a message; `moment` is the time of the recording, as ARI writes times."""
    answer: dict[str, Any] = {
        "type": "RESTResponse",
        "transaction_id": _text(message.fields, "transaction_id"),
        "request_id": _text(message.fields, "request_id"),
        "status_code": response.status,
        "reason_phrase": message.reason if message.request is None else response.reason,
        "uri": message.uri,
    }
    if content := response.content:
        answer |= {"content_type": response.content_type, "message_body": content.decode("utf-8", "replace")}
    answer |= {"application": application, "timestamp": moment, "asterisk_id": asterisk_id}
    return orjson.dumps(answer).decode()


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
