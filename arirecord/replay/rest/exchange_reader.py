"""Reads the REST exchanges of a recording, without the rest of it."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.asterisk.catalogue import event_types
from arirecord.errors import NotASession, ReplayError
from arirecord.json_text import json_object
from arirecord.session.parquet import column_bounds
from arirecord.session.reader import SessionFile
from arirecord.session.stored_rows import grouped_batches, opened

from .exchange_links import with_applications
from .recorded_exchanges import RecordedExchange, RecordedRest, StasisEntry, exchange_of

__all__ = ["read_recorded"]

_MOST: Final = 100_000
_LOOK_AT: Final = 100

_ENVELOPE: Final = {"type", "application", "asterisk_id", "timestamp"}
_DOCS: Final = "/api-docs/"
_ENTRY: Final = ("type", "application", "channel_id")


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
    entries: list[StasisEntry] = []
    for raw, t_ns, seq in _rest_texts(session, entries):
        if exchange := exchange_of(raw, t_ns, seq):
            _take(recorded, exchange)
    recorded.entries = sorted(entries)
    if recorded.exchanges:
        opened = session.frames(kinds=("connection",), types=("opened",))
        recorded.connected_ns = next((frame.t_ns for frame in opened), None)
    if len(recorded.applications) > 1:
        recorded.exchanges = with_applications(recorded.exchanges, recorded.entries)
    unknown = [name for name in session.header.types if name not in event_types()]
    recorded.unknown_events = {name: _fields(session, name) for name in unknown}
    return recorded


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


def _rest_texts(session: SessionFile, entries: list[StasisEntry]) -> Iterator[tuple[str, int, int]]:
    """The texts of the `rest` rows, with the time and the number of each. Fills `entries` beside."""
    for part in session.parts:
        if part.header.rows == part.header.events or "rest_uri" not in part.schema.names:
            continue
        with opened(part.path) as file:
            ruled_out = {
                number for number, low, high in column_bounds(file.metadata, "kind") if not low <= "rest" <= high
            }
            groups = [number for number in range(file.num_row_groups) if number not in ruled_out]
            columns = ["seq", "kind", "elapsed_ns", "raw", *(_ENTRY if "channel_id" in part.schema.names else ())]
            for batch in grouped_batches(file, 4096, columns, groups):
                entries += _entries(batch, part.header.started_ns)
                rest_rows = batch.filter(pc.equal(batch["kind"], pa.scalar("rest")))
                received = pc.add(rest_rows["elapsed_ns"], part.header.started_ns).to_pylist()
                yield from zip(rest_rows["raw"].to_pylist(), received, rest_rows["seq"].to_pylist(), strict=True)


def _entries(batch: pa.RecordBatch, started_ns: int) -> Iterator[StasisEntry]:
    if "channel_id" not in batch.schema.names:
        return
    found = batch.filter(pc.equal(batch["type"], pa.scalar("StasisStart")))
    columns = (found[name].to_pylist() for name in ("elapsed_ns", "seq", "channel_id", "application"))
    for elapsed_ns, seq, channel, application in zip(*columns, strict=True):
        if channel is not None:
            yield StasisEntry((started_ns + elapsed_ns, seq), channel, application or "")


def _fields(session: SessionFile, event_type: str) -> Mapping[str, str]:
    """The fields of an event type in some of its events: `string`, `object` …; each of them may be absent."""
    fields: dict[str, str] = {}
    for frame in islice(session.frames(types=[event_type]), _LOOK_AT):
        for name, value in json_object(frame.raw).items():
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
