"""The REST exchanges of a recording."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from arirecord.json_text import json_object, json_value
from arirecord.session.rows import body_of

from .messages import RestRequest

__all__ = ["RecordedExchange", "RecordedRest", "StasisEntry", "exchange_of"]


class RecordedExchange(NamedTuple):
    """A recorded exchange: its origin (`recorder` or `app`), request and response (`status` None: no response).

    `t_ns` is when the response was complete, nanoseconds since 1970 UTC; 0 if unknown; `seq` is the number of its row.
    `client` is the app's address, with its application in brackets if that is known. `owner` is the application of the
    app as other rows show it.
    """

    by: str
    method: str
    uri: str
    status: int | None
    body: bytes
    content_type: str
    duration_ns: int
    t_ns: int = 0
    request_body: bytes = b""
    request_type: str = ""
    client: str = ""
    seq: int = -1
    owner: str = ""

    @property
    def application(self) -> str:
        """The application that sent the request, `a,b` if its WebSocket is for both; empty if unknown."""
        if self.owner:
            return self.owner
        in_brackets = self.client.rpartition(" (")[2] if self.client.endswith(")") else ""
        return in_brackets.removesuffix(")")

    def is_of(self, applications: Collection[str]) -> bool:
        """Whether one of these applications sent the request. Unknown senders and no applications count as such."""
        return not self.application or not applications or any(a in applications for a in self.application.split(","))

    @property
    def begun_ns(self) -> int:
        """The time of the request, as `t_ns`."""
        return self.t_ns - self.duration_ns

    @property
    def place(self) -> tuple[int, int]:
        """The place of its row among the frames: time and number."""
        return self.t_ns, self.seq

    @property
    def request(self) -> RestRequest:
        """The request in the form of a client's request to a replay."""
        target = "/" + self.uri.removeprefix("/").removeprefix("ari/")
        return RestRequest(self.method, target, self.request_body, self.request_type or None)

    @property
    def value(self) -> Any:
        """The response's body as JSON; None if it is not JSON."""
        return json_value(self.body)


class StasisEntry(NamedTuple):
    """A channel that entered an application, with the place of the event among the frames: time and number."""

    place: tuple[int, int]
    channel: str
    application: str


@dataclass
class RecordedRest:
    """REST data of a recording: API documents by name (`channels.json`), `info` (the first `/asterisk/info`), `sounds`.

    `exchanges` are those of apps, in order, at most 100,000; `is_cut` is true if there are more. `unknown_events` are
    event types that the catalogue does not contain, with the fields seen. `applications` are those whose events were
    recorded, `aliases` the names that clients use for them. `entries` are the channels that entered an application, and
    `connected_ns` is when the first app connected (since 1970 UTC), in a recording with exchanges.
    """

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    info: dict[str, Any] | None = None
    sounds: list[Any] = field(default_factory=list)
    exchanges: list[RecordedExchange] = field(default_factory=list)
    is_cut: bool = False
    unknown_events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    types: Iterable[str] = ()
    applications: Collection[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    entries: Sequence[StasisEntry] = ()
    connected_ns: int | None = None

    def name_of(self, application: str) -> str:
        """The recorded name of a client's application; in a recording of one application, any name is that one's."""
        if application in self.aliases:
            return self.aliases[application]
        if application in self.applications or len(self.applications) != 1:
            return application
        return next(iter(self.applications))


def exchange_of(raw: str, t_ns: int = 0, seq: int = -1) -> RecordedExchange | None:
    """The exchange in the text of the `rest` row `seq`, received at `t_ns`; None if the text has no exchange."""
    row = json_object(raw)
    method, uri, status = (row.get(f"rest_{name}") for name in ("method", "uri", "status"))
    if not isinstance(method, str) or not isinstance(uri, str) or not isinstance(status, int | None):
        return None
    names = ("by", "answer_type", "request_type", "client")
    by, kind, request_type, client = (str(row.get(f"rest_{name}") or "") for name in names)
    body, request_body = body_of(row, "answer"), body_of(row, "request")
    took_ns = row.get("rest_duration_ns")
    took_ns = took_ns if isinstance(took_ns, int) else 0
    return RecordedExchange(by, method, uri, status, body, kind, took_ns, t_ns, request_body, request_type, client, seq)
