"""REST over the WebSocket: `RESTRequest` in, `RESTResponse` out."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import orjson

from arirecord.replay.rest.messages import RestRequest, RestResponse, error

__all__ = ["answer_message"]


async def answer_message(
    text: str,
    ask: Callable[[RestRequest], Awaitable[RestResponse]],
    application: str,
    moment: Callable[[], str],
    asterisk_id: str,
) -> str:
    """Return the `RESTResponse` to any message of a client; `ask` answers the request in it."""
    request = _object(text)
    uri, query = "", ""
    if request is None:
        answer, reason = RestResponse(400), "Failed to parse request message JSON"
    elif request.get("type") != "RESTRequest":
        answer, reason = error(400, "Unknown request type."), "Bad request"
    elif not (uri := _text(request, "uri")):
        answer, reason = error(400, "Empty or missing 'uri' property."), "Bad request"
    else:
        uri, _, query = uri.partition("?")
        answer = await ask(_question(request, uri, query))
        reason = answer.reason
    content = answer.content
    message: dict[str, Any] = {
        "type": "RESTResponse",
        "transaction_id": _text(request or {}, "transaction_id"),
        "request_id": _text(request or {}, "request_id"),
        "status_code": answer.status,
        "reason_phrase": reason,
        "uri": uri,
    }
    if content:
        message |= {"content_type": answer.content_type, "message_body": content.decode("utf-8", "replace")}
    message |= {"application": application, "timestamp": moment(), "asterisk_id": asterisk_id}
    return orjson.dumps(message).decode()


def _question(request: dict[str, Any], uri: str, query: str) -> RestRequest:
    listed = request.get("query_strings")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    more = urlencode([(_text(entry, "name"), _text(entry, "value")) for entry in entries])
    target = "/" + uri.removeprefix("/").removeprefix("ari/")
    query = "&".join(part for part in (query, more) if part)
    body = _text(request, "message_body").encode()
    method = _text(request, "method") or "GET"
    return RestRequest(method, f"{target}?{query}" if query else target, body, _text(request, "content_type") or None)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
