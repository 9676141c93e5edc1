"""The REST exchanges of one proxied connection."""

import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from arirecord.session.rows import body_fields

from .admission import RequestRefused
from .http import END, Head, HeadTooLong, HttpReader
from .known_secrets import KnownSecrets
from .secrets import clean_body, clean_text, clean_uri, names_secret_variable, user_of

__all__ = ["Body", "Exchanges", "ObservedExchange"]


class Body:
    """A body as far as it is recorded: all of it, or beyond `limit` bytes its size."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._parts: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Add the next bytes."""
        self.size += len(data)
        if self.is_kept:
            self._parts.append(data)
        else:
            self._parts.clear()

    @property
    def is_kept(self) -> bool:
        """Whether it is short enough."""
        return self.size <= self._limit

    @property
    def data(self) -> bytes:
        """The body; empty if it is not recorded."""
        return b"".join(self._parts)

    def plain(self, head: Head | None) -> bytes | None:
        """The body without the compression that `head` names; None if it cannot be undone, or is beyond the limit."""
        if head is None or (head.get("content-encoding") or "identity").lower() == "identity":
            return self.data
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip, or deflate
        try:
            data = unpacking.decompress(self.data, self._limit)
        except zlib.error:
            return None
        return data if unpacking.eof else None

    def fields(self, prefix: str, uri: str, head: Head | None, secrets: KnownSecrets, whole: str) -> dict[str, str]:
        """Columns of a `rest` row, without secrets; `prefix` is `request` or `answer`, `whole` as in `clean_body`."""
        data = self.plain(head) if self.is_kept else None
        if data is None:
            return {f"{prefix}_body": f"[{self.size} bytes, not kept]"}
        data = clean_body(uri, head.get("content-type") if head else None, data, secrets.add_found, whole)
        return body_fields(prefix, secrets.mask_bytes(data))


@dataclass(slots=True)
class ObservedExchange:
    """One request and its response, as far as they have arrived."""

    request: Head
    request_body: Body
    answer_body: Body
    answer: Head | None = None
    began_ns: int = field(default_factory=time.monotonic_ns)

    def fields(self, secrets: KnownSecrets, reason: str | None = None) -> dict[str, Any]:
        """Columns of its `rest` row; `reason` is why the response is missing or incomplete."""
        uri = self.request.target
        request_type = self.request.get("content-type")
        answer_type = self.answer.get("content-type") if self.answer else None
        is_secret = names_secret_variable(uri, request_type, self.request_body.plain(self.request) or b"")
        whole = "value" if is_secret else ""
        if self.answer:
            secrets.learn_headers(self.answer)
        fields = {
            "uri": clean_uri(uri, secrets.add_found),
            "request_type": clean_text(request_type or "") or None,
            **self.request_body.fields("request", uri, self.request, secrets, whole),
            "status": self.answer.status if self.answer else None,
            "reason": reason or (clean_text(self.answer.reason, secrets.add_found) if self.answer else None),
            "answer_type": clean_text(answer_type or "") or None,
            **self.answer_body.fields("answer", uri, self.answer, secrets, whole),
            "duration_ns": time.monotonic_ns() - self.began_ns,
        }
        if (
            self.answer
            and 200 <= self.answer.status < 300
            and user_of(self.request)
            and self.request.method != "OPTIONS"
        ):
            secrets.accept()
        return secrets.mask_fields(fields)


class Exchanges:
    """HTTP in both directions of a connection. `keep` gets each exchange and why it is incomplete (None if complete).

    `check` is called with the head of each request; it may raise `RequestRefused`, and so does a head that is too long.
    Raises `Unparsable` from `from_application` and `from_asterisk` for data that is not HTTP/1.
    """

    def __init__(
        self,
        keep: Callable[[ObservedExchange, str | None], None],
        max_body_bytes: int,
        check: Callable[[Head], None] = lambda head: None,
    ) -> None:
        self.open: deque[ObservedExchange] = deque()
        self._keep = keep
        self._check = check
        self._max_body_bytes = max_body_bytes
        self._requests = HttpReader()
        self._answers = HttpReader(lambda: self.open[0].request.method if self.open else "")
        self._sending: ObservedExchange | None = None

    @property
    def unfinished_head_bytes(self) -> int:
        """Bytes of a request whose head is not complete."""
        return self._requests.unfinished_head_bytes

    def from_application(self, data: bytes) -> None:
        """Parse bytes of requests; new ones are added to `open`."""
        try:
            self._read_requests(data)
        except HeadTooLong as error:
            raise RequestRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, str(error)) from None

    def _read_requests(self, data: bytes) -> None:
        for event in self._requests.feed(data):
            if isinstance(event, Head):
                self._check(event)
                self._sending = ObservedExchange(event, Body(self._max_body_bytes), Body(self._max_body_bytes))
                self.open.append(self._sending)
            elif isinstance(event, bytes) and self._sending is not None:
                self._sending.request_body.add(event)

    def from_asterisk(self, data: bytes) -> ObservedExchange | None:
        """Parse bytes of responses. Returns the exchange that changed the protocol, not recorded; then HTTP is over."""
        for event in self._answers.feed(data):
            if not self.open:
                continue  # without a request: some servers send 408 before they close
            exchange = self.open[0]
            if isinstance(event, bytes):
                exchange.answer_body.add(event)
            elif event is END:
                self._keep(self.open.popleft(), None)
            elif event.status == 101:
                exchange.answer = event
                return self.open.popleft()
            elif event.status >= 200:
                exchange.answer = event
        return None

    def rest(self) -> tuple[bytes, bytes]:
        """The bytes after a change of protocol: from the app, from Asterisk."""
        return self._requests.rest(), self._answers.rest()

    def finish(self, reason: str) -> None:
        """End the connection; `reason` is recorded for requests without a response."""
        if self.open and self._answers.finish():
            self._keep(self.open.popleft(), None)
        while self.open:
            self._keep(self.open.popleft(), reason)
