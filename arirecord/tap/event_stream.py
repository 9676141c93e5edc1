"""The event stream of one proxied WebSocket: events, and REST requests that are sent over it."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, quote

import orjson

from arirecord.asterisk.timestamps import format_timestamp
from arirecord.json_text import json_object
from arirecord.session.rows import body_fields

from .frames import CLOSE, Message, MessageReader, parse_close
from .http import Head
from .known_secrets import KnownSecrets
from .safe_recorder import SafeRecorder
from .secrets import clean_body, clean_frame, clean_text, clean_uri, names_secret_variable, user_of

__all__ = ["ObservedStream", "StreamRegistry", "asked_applications"]

_MAX_UNANSWERED = 10_000


def asked_applications(request: Head) -> tuple[str, ...]:
    """Applications in a handshake for ARI's events; empty for any other request."""
    path, _, query = request.target.partition("?")
    if not request.is_websocket or not path.endswith("/events"):
        return ()
    return tuple(name for value in parse_qs(query).get("app", []) for name in value.split(",") if name)


class ObservedStream:
    """One app's WebSocket, recorded. The callback receives each message from Asterisk after it was recorded.

    `client` is the app's address. `is_served` is whether the app is still connected. Raises `ValueError` from
    `from_application` and `from_asterisk` for data that is not a WebSocket.
    """

    def __init__(
        self,
        request: Head,
        answer: Head,
        client: str,
        recorder: SafeRecorder,
        on_message: Callable[["ObservedStream", Message], None],
        secrets: KnownSecrets,
    ) -> None:
        self.applications = asked_applications(request)
        self.subprotocol = answer.get("sec-websocket-protocol")
        self.client = client
        self.user = user_of(request)
        self.is_served = True
        self.last_ns = time.time_ns()
        self.end: tuple[str, int] | None = None
        self._recorder = recorder
        self._on_message = on_message
        self._secrets = secrets
        self._events = MessageReader()
        self._commands = MessageReader()
        self._skipped = 0
        self._replaced: set[str] = set()
        self._asked: dict[str, deque[tuple[int, dict[str, Any]]]] = {}
        self._unanswered = 0

    @property
    def name(self) -> str:
        """Its applications as text, without secrets: a wrong URL may have its login in the parameter `app`."""
        return self._secrets.mask(clean_text(",".join(self.applications)))

    @property
    def is_replaced(self) -> bool:
        """Whether other connections have taken all its applications: no more events will come."""
        return self._replaced.issuperset(self.applications)

    @property
    def takes_frames(self) -> bool:
        """Whether a frame can be inserted into the data of the app."""
        return self._commands.is_between_frames

    def from_asterisk(self, data: bytes) -> None:
        """Parse bytes from Asterisk."""
        for message in self._events.feed(data):
            if message.opcode is CLOSE:
                self.ends("Asterisk closed it", *parse_close(message.data))
            else:
                self.last_ns = time.time_ns()
                request, finish = self._look_into(message.data)
                found: list[str] = []
                cleaned = clean_frame(message.data, found.append, *request)
                self._learn(found, cleaned, is_response=bool(request[0]))
                self._recorder.frame(self._secrets.mask_bytes(cleaned))
                finish()
            self._on_message(self, message)
        if self._events.skipped > self._skipped:
            self._recorder.missed("a message is too long to be kept", self._events.skipped - self._skipped)
            self._skipped = self._events.skipped

    def from_application(self, data: bytes) -> None:
        """Parse bytes from the app."""
        for message in self._commands.feed(data):
            if message.opcode is CLOSE:
                self.ends("the application closed it", *parse_close(message.data))
            else:
                self._request(json_object(message.data))

    def ends(self, why: str, code: int = 1006, reason: str = "") -> None:
        """Note the reason of the end; the first one counts. `code` is that of a Close frame; 1006 is without one."""
        if self.end is None:
            self.end = (
                self._secrets.mask(f"{why}: {clean_text(reason, self._secrets.add_found)}" if reason else why),
                code,
            )

    def finish(self) -> None:
        """Record the requests without a response, at the end."""
        for waiting in self._asked.values():
            for began_ns, request in waiting:
                self._keep(request, {"reason_phrase": "no answer: the connection ended"}, began_ns)
        self._asked.clear()

    def _learn(self, found: list[str], cleaned: bytes, *, is_response: bool) -> None:
        """Add the secrets of a message, but for those of an event that are also something else there: a context."""
        for secret in found:
            if is_response or secret.encode("utf-8", "surrogatepass") not in cleaned:
                self._secrets.add_found(secret)

    def _look_into(self, data: bytes) -> tuple[tuple[str, str], Callable[[], None]]:
        """The URI of the request that a message responds to, with the field of its body that is a secret; and what
        records that exchange after the message.
        """
        if b'"RESTResponse"' not in data and b'"ApplicationReplaced"' not in data:
            return ("", ""), _nothing
        event = json_object(data)
        if event.get("type") == "ApplicationReplaced":
            self._replaced.add(str(event.get("application")))
        elif event.get("type") == "RESTResponse":
            waiting = self._asked.get(str(event.get("request_id", "")))
            if waiting:
                began_ns, request = waiting.popleft()
                self._unanswered -= 1
                if not waiting:
                    del self._asked[str(event.get("request_id", ""))]
                uri = _uri(request)
                return (uri, _secret_field(uri, request)), lambda: self._keep(request, event, began_ns)
            uri = str(event.get("uri", ""))
            return (uri, _secret_field(uri, {})), _nothing
        return ("", ""), _nothing

    def _request(self, request: dict[str, Any]) -> None:
        if request.get("type") != "RESTRequest":
            return
        if self._unanswered >= _MAX_UNANSWERED:
            self._recorder.missed("too many REST requests over the WebSocket were not answered")
            return
        self._unanswered += 1
        clean_uri(uri := _uri(request), self._secrets.add_found)  # learns its secrets: the response may repeat them
        self._body_fields("request", uri, request, _secret_field(uri, request))
        clean_text(orjson.dumps(request).decode(), self._secrets.add_found)
        self._asked.setdefault(str(request.get("request_id", "")), deque()).append((time.monotonic_ns(), request))

    def _keep(self, request: dict[str, Any], answer: dict[str, Any], began_ns: int) -> None:
        uri = _uri(request)
        whole = _secret_field(uri, request)
        fields: dict[str, Any] = {
            "client": f"{self.client} ({self.name})",
            "transport": "websocket",
            "uri": clean_uri(uri, self._secrets.add_found),
            "request_type": clean_text(_text(request.get("content_type")) or "") or None,
            **self._body_fields("request", uri, request, whole),
            "status": _number(answer.get("status_code")),
            "reason": clean_text(_text(answer.get("reason_phrase")) or "", self._secrets.add_found) or None,
            "answer_type": clean_text(_text(answer.get("content_type")) or "") or None,
            **self._body_fields("answer", uri, answer, whole),
            "duration_ns": time.monotonic_ns() - began_ns,
        }
        if fields["status"] is not None and 200 <= fields["status"] < 300:
            self._secrets.accept()
        method = self._secrets.mask(clean_text(str(request.get("method", ""))))
        self._recorder.rest(method, **self._secrets.mask_fields(fields))

    def _body_fields(self, prefix: str, uri: str, message: dict[str, Any], whole: str) -> dict[str, str]:
        content_type = _text(message.get("content_type"))
        data = clean_body(uri, content_type, _body(message), self._secrets.add_found, whole)
        return body_fields(prefix, self._secrets.mask_bytes(data))


def _nothing() -> None:
    pass


def _uri(request: dict[str, Any]) -> str:
    """Path and query; the query may also be a list of names and values."""
    uri = str(request.get("uri", ""))
    listed = request.get("query_strings")
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict):
            pair = f"{quote(str(item.get('name', '')))}={quote(str(item.get('value', '')))}"
            uri += ("&" if "?" in uri else "?") + pair
    return uri


def _body(message: dict[str, Any]) -> bytes:
    body = message.get("message_body") or ""
    return body.encode(errors="surrogatepass") if isinstance(body, str) else orjson.dumps(body)


def _secret_field(uri: str, request: dict[str, Any]) -> str:
    """The field of the bodies of an exchange that is a secret; empty if none is."""
    is_secret = names_secret_variable(uri, _text(request.get("content_type")), _body(request))
    return "value" if is_secret else ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


class StreamRegistry:
    """The open streams, and a row in the recording for each that opens or closes. `url` is Asterisk's."""

    def __init__(self, url: str, recorder: SafeRecorder, say: Callable[[str], None]) -> None:
        self.open: list[ObservedStream] = []
        self._url = url
        self._recorder = recorder
        self._say = say
        self._away: dict[str, int] = {}
        self._names: dict[tuple[str, str | None], set[str]] = {}

    def add(self, stream: ObservedStream) -> None:
        """Add a stream that has opened."""
        for name in stream.applications:
            since = self._away.pop(name, None)
            if since is not None and not any(name in other.applications for other in self.open):
                self._recorder.connection(
                    "gap",
                    url=self._url,
                    application=name,
                    lost_since=format_timestamp(since),
                    reason="the application was not connected; what happened meanwhile is not known",
                )
        self.open.append(stream)
        self._names.setdefault((_host(stream.client), stream.user), set()).add(stream.name)
        reason = f"the application connected from {stream.client}"
        self._recorder.connection("opened", url=self._url, application=stream.name, status=101, reason=reason)
        self._say(f"Application {stream.name!r} connected from {stream.client}.")

    def remove(self, stream: ObservedStream) -> None:
        """Remove a stream that has closed."""
        stream.finish()
        self.open.remove(stream)
        self._away.update(dict.fromkeys(stream.applications, stream.last_ns))
        why, code = stream.end or ("it was lost", 1006)
        self._recorder.connection("closed", url=self._url, application=stream.name, status=code, reason=why)
        self._say(f"Application {stream.name!r} from {stream.client} is disconnected: {why} ({code}).")

    def serving(self, applications: Iterable[str]) -> ObservedStream | None:
        """A stream that has all these applications and whose app is still connected."""
        names = set(applications)
        return next((s for s in self.open if s.is_served and not s.is_replaced and names <= set(s.applications)), None)

    def name_of(self, client: str, user: str | None) -> str | None:
        """The application of a REST client, found by its host and ARI user; None if several apps used these."""
        names = self._names.get((_host(client), user), ())
        return next(iter(names)) if len(names) == 1 else None


def _host(client: str) -> str:
    return client.rpartition(":")[0]
