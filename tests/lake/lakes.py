"""Lakes for tests: real streams, stretched over days, on one or several servers."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from arirecord.analytics.connection import connect
from arirecord.analytics.models import mart_names
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import SessionFile, open_session
from arirecord.session.seal import seal
from tests.conftest import read_lines, streams

__all__ = ["BASE_NS", "Row", "record", "rows_of", "stretched", "tables"]

Row = tuple[int, int, str, str]
"""`received_ns`, `elapsed_ns`, kind, raw."""
BASE_NS = int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()) * 10**9
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")


def stretched(name: str, factor: int = 1, *, server: str | None = None, begin_ns: int = BASE_NS) -> list[Row]:
    """The rows of a recorded stream from `begin_ns` on, with all times `factor` times as far apart.

    server: replaces the server's `asterisk_id`.
    """
    lines = [orjson.loads(line) for line in read_lines(streams()[name])]
    start_ns = lines[0]["t"]
    rows = []
    for line in lines:
        frame = _TIME.sub(lambda found: _moved(found[0], start_ns, begin_ns, factor), line["frame"])
        if server is not None:
            frame = re.sub(r'("asterisk_id": ?)"[^"]*"', rf'\1"{server}"', frame)
        elapsed_ns = (line["t"] - start_ns) * factor
        rows.append((begin_ns + elapsed_ns, elapsed_ns, "event", frame))
    return rows


def record(rows: Sequence[Row], target: Path, *, started_ns: int = BASE_NS, first_seq: int = 0) -> Path:
    """Seal rows as a session."""
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = JournalWriter(journal_path(target), started_ns, {"verb": "import", "files": ["test"]}, first_seq)
    writer.write(rows)
    writer.close()
    seal(journal_path(target), target)
    return target


def rows_of(session: SessionFile | Path) -> list[tuple[object, ...]]:
    """All rows of a session, without their positions."""
    opened = session if isinstance(session, SessionFile) else open_session(session)
    return [(frame.t_ns, frame.kind, frame.raw) for frame in opened.frames(kinds=None)]


def tables(session: SessionFile | Path, *, keep: Callable[[str], bool] = lambda column: True) -> dict[str, list[str]]:
    """The rows of all tables of a session, as sorted texts, with the columns that `keep` keeps."""
    found = {}
    with connect(session) as db:
        for mart in mart_names():
            relation = db.sql(f"FROM {mart}")
            columns = [column for column in relation.columns if keep(column)]
            rows = relation.select(*columns).fetchall() if columns else []
            found[mart] = sorted(map(repr, rows))
    return found


def _moved(text: str, start_ns: int, begin_ns: int, factor: int) -> str:
    at_ms = round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)
    moved_ms = begin_ns // 10**6 + (at_ms - start_ns // 10**6) * factor
    moment = datetime.fromtimestamp(moved_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moved_ms % 1000:03d}+0000"
