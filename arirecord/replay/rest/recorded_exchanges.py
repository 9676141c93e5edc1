"""The REST exchanges of a recording, found without reading the rest of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.asterisk.catalogue import event_types
from arirecord.errors import NotASession, ReplayError
from arirecord.session.reader import SessionFile
from arirecord.session.row_groups import grouped_batches, opened
from arirecord.session.rows import body_of

from .messages import RestRequest

__all__ = ["RecordedExchange", "RecordedRest", "exchange_of", "read_recorded"]

_MOST: Final = 100_000
_LOOK_AT: Final = 100

_ENVELOPE: Final = {"type", "application", "asterisk_id", "timestamp"}
_DOCS: Final = "/api-docs/"


class RecordedExchange(NamedTuple):
    """A recorded exchange: its origin (`recorder` or `app`), request and response (`status` None: no response).

    `t_ns` is when the response was complete, nanoseconds since 1970 UTC; 0 if unknown; `seq` is the number of its row.
    `client` is the app's address, with its application in brackets if that is known.
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

    @property
    def application(self) -> str:
        """The application that sent the request; empty if unknown."""
        found = self.client.rpartition(" (")[2] if self.client.endswith(")") else ""
        return found.removesuffix(")")

    @property
    def begun_ns(self) -> int:
        """The time of the request, as `t_ns`."""
        return self.t_ns - self.duration_ns

    @property
    def place(self) -> tuple[int, int]:
        """The place of its row among the frames: time and number."""
        return self.t_ns, self.seq

    @property
    def question(self) -> RestRequest:
        """The request in the form of a client's request to a replay."""
        target = "/" + self.uri.removeprefix("/").removeprefix("ari/")
        return RestRequest(self.method, target, self.request_body, self.request_type or None)

    @property
    def value(self) -> Any:
        """The response's body as JSON; None if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except ValueError:
            return None


@dataclass
class RecordedRest:
    """REST data of a recording: API documents by name (`channels.json`), `info` (the first `/asterisk/info`), `sounds`.

    `exchanges` are those of apps, in order, at most 100,000; `is_cut` is true if there are more. `unknown_events` are
    event types that the catalogue does not contain, with the fields seen. `applications` are those whose events were
    recorded, `aliases` the names that clients use for them.
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

    def name_of(self, application: str) -> str:
        """The recorded name of a client's application; in a recording of one application, any name is that one's."""
        if application in self.aliases:
            return self.aliases[application]
        if application in self.applications or len(self.applications) != 1:
            return application
        return next(iter(self.applications))


def read_recorded(session: SessionFile, aliases: Mapping[str, str] | None = None) -> RecordedRest:
    """Read the REST data of a session: only the row groups that hold REST exchanges or unknown event types.

    aliases: the recorded application for each other name that a client uses.

    Raises `ReplayError` if they cannot be read.
    """
    try:
        return _read(session, aliases or {})
    except (NotASession, OSError) as error:
        raise ReplayError(f"the session can't be read: {error}") from error


def _read(session: SessionFile, aliases: Mapping[str, str]) -> RecordedRest:
    recorded = RecordedRest(types=list(session.header.types), aliases=aliases)
    recorded.applications = list(session.header.applications)
    for raw, t_ns, seq in _rest_texts(session):
        if exchange := exchange_of(raw, t_ns, seq):
            _take(recorded, exchange)
    unknown = [name for name in session.header.types if name not in event_types()]
    recorded.unknown_events = {name: _fields(session, name) for name in unknown}
    return recorded


def exchange_of(raw: str, t_ns: int = 0, seq: int = -1) -> RecordedExchange | None:
    """The exchange in the text of the `rest` row `seq`, received at `t_ns`; None if the text has no exchange."""
    try:
        row = orjson.loads(raw)
        method, uri, status = row["rest_method"], row["rest_uri"], row.get("rest_status")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(method, str) or not isinstance(uri, str) or not isinstance(status, int | None):
        return None
    names = ("by", "answer_type", "request_type", "client")
    by, kind, request_type, client = (str(row.get(f"rest_{name}") or "") for name in names)
    body, request_body = body_of(row, "answer"), body_of(row, "request")
    took_ns = row.get("rest_duration_ns")
    took_ns = took_ns if isinstance(took_ns, int) else 0
    return RecordedExchange(by, method, uri, status, body, kind, took_ns, t_ns, request_body, request_type, client, seq)


def _take(recorded: RecordedRest, exchange: RecordedExchange) -> None:
    path = exchange.uri.partition("?")[0].removeprefix("/ari")
    if exchange.by == "app" and not path.startswith(_DOCS):
        recorded.is_cut = len(recorded.exchanges) == _MOST
        if not recorded.is_cut:
            recorded.exchanges.append(exchange)
    if exchange.method != "GET" or exchange.status != 200:
        return
    value = exchange.value
    if path.startswith(_DOCS) and isinstance(value, dict):
        recorded.documents[path.removeprefix(_DOCS)] = value
    elif path == "/asterisk/info" and isinstance(value, dict) and recorded.info is None and "?" not in exchange.uri:
        recorded.info = value
    elif path == "/sounds" and isinstance(value, list) and "?" not in exchange.uri:
        recorded.sounds = value


def _rest_texts(session: SessionFile) -> Iterator[tuple[str, int, int]]:
    """The texts of the `rest` rows, with the time and the number of each."""
    for part in session.parts:
        if part.header.rows == part.header.events or "rest_uri" not in part.schema.names:
            continue
        with opened(part.path) as file:
            groups = _groups_with_rest(file)
            for batch in grouped_batches(file, 4096, ["seq", "kind", "elapsed_ns", "raw"], groups):
                found = batch.filter(pc.equal(batch["kind"], pa.scalar("rest")))
                received = pc.add(found["elapsed_ns"], part.header.started_ns).to_pylist()
                yield from zip(found["raw"].to_pylist(), received, found["seq"].to_pylist(), strict=True)


def _groups_with_rest(file: pq.ParquetFile) -> list[int]:
    column = file.schema_arrow.names.index("kind")
    found = []
    for number in range(file.num_row_groups):
        statistics = file.metadata.row_group(number).column(_leaf(file, column)).statistics
        known = statistics is not None and statistics.has_min_max
        if not known or statistics.min <= "rest" <= statistics.max:
            found.append(number)
    return found


def _leaf(file: pq.ParquetFile, column: int) -> int:
    """The index of a schema column among the leaves: a list has a leaf with a generated name."""
    name = file.schema_arrow.names[column]
    return next(i for i in range(len(file.schema)) if file.schema.column(i).path == name)


def _fields(session: SessionFile, event_type: str) -> Mapping[str, str]:
    """The fields of an event type in some of its events: `string`, `object` …; each of them may be absent."""
    fields: dict[str, str] = {}
    for frame in islice(session.frames(types=[event_type]), _LOOK_AT):
        try:
            event = orjson.loads(frame.raw)
        except ValueError:
            continue
        for name, value in event.items() if isinstance(event, dict) else ():
            if name not in _ENVELOPE:
                fields[name] = _type(value) if fields.get(name, _type(value)) == _type(value) else "object?"
    return fields


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean?"
    if isinstance(value, int | float):
        return "int?" if isinstance(value, int) else "double?"
    if isinstance(value, list):
        return "List[string]?" if all(isinstance(item, str) for item in value) else "List[object]?"
    return "string?" if isinstance(value, str) else "object?"
