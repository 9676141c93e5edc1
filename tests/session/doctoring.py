"""Sessions and journals to hold before the doctor, whole and damaged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from arirecord.asterisk.timestamps import format_timestamp
from arirecord.doctor import Finding
from arirecord.session.header import KEY, Header
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.rows import own_text
from arirecord.session.seal import seal

SAMPLES = sorted((Path(__file__).parents[2] / "sample_data").glob("*.parquet"))
START_NS = 1_795_474_657_000_000_000
SECOND = 1_000_000_000
CAPTURE = {"verb": "capture", "url": "http://pbx:8088/ari", "application": "rec", "subscribe_all": True}


@dataclass(frozen=True)
class Line:
    """A row to write: `wall_s` and `elapsed_s` after the start, `late_s` how late the event comes."""

    raw: str
    elapsed_s: float
    wall_s: float
    kind: str = "event"


def event(
    number: int, kind: str = "ChannelVarset", *, channel: str = "c1", at_s: float | None = None, **more: Any
) -> str:
    """A frame as Asterisk writes it, `number` seconds after the start unless `at_s` is given."""
    ms = START_NS + int((number if at_s is None else at_s) * SECOND)
    stamp = format_timestamp(ms)[:23] + "+0000"
    frame = {
        "type": kind,
        "value": str(number),
        "timestamp": stamp,
        "channel": {"id": channel, "channelvars": {"CHANNEL(linkedid)": "c1"}},
        "asterisk_id": "02:fc",
        "application": "rec",
        **more,
    }
    if kind != "ChannelVarset":
        del frame["value"]
    return orjson.dumps(frame).decode()


def call(count: int = 100) -> list[Line]:
    """A sound recording: a channel that comes, does things, and goes; an event a second."""
    kinds = ["ChannelCreated", "StasisStart", *["ChannelVarset"] * (count - 3), "ChannelDestroyed"]
    more: dict[str, dict[str, Any]] = {
        "ChannelDestroyed": {"cause": 16, "cause_txt": "Normal"},
        "StasisStart": {"args": []},
    }
    frames = [event(i, kind, **more.get(kind, {})) for i, kind in enumerate(kinds)]
    return [Line(frame, i + 0.002, i + 0.002) for i, frame in enumerate(frames)]


def row(kind: str, what: str, at_s: float, **fields: Any) -> Line:
    """A row of arirecord's own."""
    return Line(own_text(kind, what, **fields), at_s, at_s, kind)


def write_journal(
    path: Path, lines: Iterable[Line], source: dict[str, Any] = CAPTURE, *, start_ns: int = START_NS, first_seq: int = 0
) -> Path:
    writer = JournalWriter(path, start_ns, source, first_seq)
    writer.write(
        (start_ns + int(line.wall_s * SECOND), int(line.elapsed_s * SECOND), line.kind, line.raw) for line in lines
    )
    writer.close()
    return path


def write(target: Path, lines: Iterable[Line], source: dict[str, Any] = CAPTURE, **options: Any) -> Path:
    """Seal these rows."""
    seal(write_journal(journal_path(target), lines, source, **options), target)
    return target


def damage(
    path: Path, change: Callable[[pa.Table], pa.Table], header: Callable[[Header], Header] | None = None
) -> Path:
    """Change a sealed session's rows, and its header."""
    table = pq.read_table(path)
    found = Header.load(pq.read_metadata(path).metadata[KEY])
    text = (header(found) if header else found).dump()
    changed = change(table)
    with pq.ParquetWriter(path, changed.schema) as writer:
        writer.write_table(changed)
        writer.add_key_value_metadata({KEY: text})
    return path


def put(table: pa.Table, name: str, seq: int, value: Any) -> pa.Table:
    """Another value in one cell."""
    values = table[name].cast(pa.int64()) if name == "received_at" else table[name]
    values = pa.array([value if i == seq else v for i, v in enumerate(values.to_pylist())], values.type)
    return table.set_column(table.column_names.index(name), table.schema.field(name), values.cast(table[name].type))


def told(findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
    """What was found: severity, check, where."""
    return [(f.severity, f.rule, f.where) for f in findings]
