"""Kept tables: models that `arirecord tables build` computed, stored as Parquet files by server and window.

```text
TABLES/kept.json                                  the windows of which tables are kept
TABLES/NAME/server=S/date=YYYY-MM-DD/VERSION.parquet
```

Rows have plain ids and no column `server`. A version stands for the text of the models, their parameters and the
content of the files that they were computed from. Models that read across windows are computed from kept ones when
they are read: see `KEPT_MODELS`.
"""

import hashlib
import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import orjson

from arirecord.session.folder_files import is_lake
from arirecord.session.output_file import write_whole
from arirecord.session.parquet import parquet_schema
from arirecord.session.parts import Part
from arirecord.session.reader import SessionFile
from arirecord.session.servers import Server
from arirecord.session.temporary_folder import plain_path

from .buckets import bucket_macros
from .fact_macros import fact_macros
from .models import load_models
from .parameters import parameters
from .restarts import Restart
from .views import name, text

__all__ = [
    "KEPT_MODELS", "MANIFEST", "KeptPart", "KeptTables", "KeptWindow", "fingerprint", "is_derivable", "keeps_tables",
    "kept_files", "kept_tables", "models_digest", "read_windows", "stale_reason", "tables_folder", "write_windows",
]  # fmt: skip

KEPT_MODELS = (
    "agent_calls", "agent_stages", "app_latency", "app_visits", "bridge_stays", "calls", "channel_states",
    "channels", "conversations", "dial_attempts", "digits", "dtmf", "findings", "hangups", "holds",
    "int_call_numbers", "int_conversations", "int_counted_legs", "int_device_changes", "int_legs",
    "int_people_talk", "int_receipts", "int_registration_stretches", "int_talk_stays", "int_variables", "ivr_paths",
    "legs", "links", "playbacks", "queue_calls", "recordings", "rtp_quality", "stg_event_sizes", "talk",
    "talk_intervals", "transfers", "turns", "user_events",
)  # fmt: skip
"""The models that are kept. The other marts follow from these and from the recorded time."""
_FORMAT = 3
"""Changes if the same models get other rows."""
MANIFEST = "kept.json"
"""The list of kept windows, in the folder of kept tables."""
_FROM_HEADERS = ("stg_gaps", "stg_recorded_spans")
"""Staging models that read the headers of a session only."""
_MERGES = {
    # A window in which a channel stays in the bridge has the beginning and the call, the next window has the end only.
    model: f"""
    SELECT * FROM ({{rows}})
    QUALIFY channel_id IS NOT NULL OR row_number() OVER (
        PARTITION BY {thing}, bridge_id, last_seq ORDER BY first_seq, call_id IS NULL, call_id
    ) = 1"""
    for model, thing in (("playbacks", "playback_id"), ("recordings", "recording_name"))
} | {
    "stg_event_sizes": """
    SELECT
        application, type, sum(event_count)::BIGINT AS event_count,
        sum(round(event_count * mean_bytes)) / sum(event_count) AS mean_bytes, bool_or(is_estimated) AS is_estimated
    FROM ({rows})
    GROUP BY application, type"""
}
"""SQL for the rows of a whole recording from the rows of its windows, where these are not just put together."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptPart:
    """A file that kept tables were computed from: its content, its rows in the server's recording, their shift."""

    fingerprint: str
    first_seq: int
    last_seq: int
    shift: int


@dataclass(frozen=True)
class KeptWindow:
    """A window whose tables are kept. folder: `server=S/date=D`. guests: later files that its calls go on in.

    restarts: restarts of Asterisk in it.
    days: its length.
    """

    server: str | None
    folder: str
    version: str
    parts: Sequence[KeptPart]
    guests: Sequence[KeptPart] = ()
    restarts: Sequence[Restart] = ()
    days: int = 1


@dataclass(frozen=True)
class KeptTables:
    """The kept tables of one server: SELECT statements that stand for models, their files, and restarts of Asterisk."""

    given: Mapping[str, str]
    files: Sequence[Path]
    restarts: Sequence[Restart]


def fingerprint(part: Part) -> str:
    """Return a text that a file with other rows does not have: the digest in the header, otherwise counts and size."""
    counts = f"{part.header.started_ns}-{part.extent}-{part.header.frame_bytes}-{part.path.stat().st_size}"
    return part.header.data_sha256 or counts


def tables_folder(session: Path) -> Path:
    """Return where the kept tables of a session are: of a lake in `tables`, otherwise in a hidden folder."""
    if is_lake(session):
        return session / "tables"
    return session / ".tables" if session.is_dir() else session.with_name(f".{session.name}.tables")


@cache
def models_digest() -> str:
    """Return a text that changes with the models, their parameters and macros."""
    statements = chain(
        [str(_FORMAT)],
        (f"{model.name} {model.sql}" for model in load_models()),
        (repr(item) for item in parameters().items()),
        bucket_macros(),
        fact_macros(),
        _MERGES.values(),
    )
    return hashlib.sha256("\0".join(statements).encode()).hexdigest()[:16]


def keeps_tables(session: SessionFile) -> bool:
    """Return whether tables of a session are kept, also if they are not current."""
    return len(session.inputs) == 1 and (tables_folder(session.path) / MANIFEST).is_file()


def read_windows(folder: Path) -> Sequence[KeptWindow]:
    """Return the windows whose tables a folder keeps; none if other models made them, or it keeps none."""
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        if manifest["format"] != _FORMAT or manifest["models"] != models_digest():
            _log.info("tables in %s are not used: other models made them", folder)
            return ()
        return [
            KeptWindow(
                **{
                    **window,
                    **{key: [KeptPart(**part) for part in window[key]] for key in ("parts", "guests")},
                    "restarts": [Restart(*restart) for restart in window["restarts"]],
                }
            )
            for window in manifest["windows"]
        ]
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        _log.warning("tables in %s are not used: %s is damaged: %s", folder, MANIFEST, error)
        return ()


def write_windows(folder: Path, windows: Sequence[KeptWindow]) -> None:
    """Replace the list of kept windows, at once."""
    manifest = {"format": _FORMAT, "models": models_digest(), "windows": [asdict(window) for window in windows]}
    write_whole(folder / MANIFEST, json.dumps(manifest).encode())


def kept_tables(session: SessionFile) -> Mapping[str | None, KeptTables] | None:
    """Return the kept tables of a session by server; None if they lack a file of it, or a file of theirs is gone.

    Reads the list of kept windows only. The reason for None is logged.
    """
    folder = tables_folder(session.pruned_from or session.path)
    is_one = len(session.inputs) == 1 or session.pruned_from is not None
    if session.is_running or not is_one:
        return None
    windows = read_windows(folder)
    if not windows:
        return None
    if reason := stale_reason(session, windows):
        _log.info("tables in %s are not used: %s. Run `arirecord tables build`", folder, reason)
        return None
    by_server = {}
    for server in session.servers:
        parts = _parts_of(session, server)
        own = [window for window in windows if window.server == server.name and _has_all(window, parts)]
        by_server[server.name] = _tables_of(folder, own, session, server, parts)
    _log.info(
        "tables come from %s: %d windows",
        folder,
        sum(len(tables.files) for tables in by_server.values()) // len(KEPT_MODELS),
    )
    return by_server


def stale_reason(session: SessionFile, windows: Sequence[KeptWindow]) -> str:
    """Return why kept windows do not stand for a session; empty if they do."""
    for server in session.servers:
        parts = _parts_of(session, server)
        of_server = [window for window in windows if window.server == server.name]
        own = [window for window in of_server if _has_all(window, parts)]
        if missing := parts.keys() - {part.fingerprint for window in own for part in window.parts}:
            return f"they lack {session.parts[parts[min(missing, key=parts.__getitem__)]].path}"
        for window in of_server if session.pruned_from is None else ():
            files = {part.fingerprint for part in (*window.parts, *window.guests)}
            # Other files hold rows of the same calls.
            if not files.isdisjoint(parts) and not files.issubset(parts):
                return f"files of {window.folder} are gone"
    return ""


def _parts_of(session: SessionFile, server: Server) -> Mapping[str, int]:
    """Return the numbers of a server's files by their fingerprints."""
    return {fingerprint(session.parts[n]): n for n in server.parts if session.parts[n].extent}


def _has_all(window: KeptWindow, fingerprints: Collection[str]) -> bool:
    return all(part.fingerprint in fingerprints for part in window.parts)


def kept_files(session: SessionFile, model: str) -> Sequence[tuple[str | None, Sequence[Path]]]:
    """Return the files of a kept table by server; none if it is not just these files together."""
    if model not in KEPT_MODELS or model in _MERGES:
        return ()
    folder = tables_folder(session.path)
    windows = read_windows(folder)
    files = [
        (server.name, [_file(folder, model, window) for window in windows if window.server == server.name])
        for server in session.servers
    ]
    return [(server, paths) for server, paths in files if paths]


def is_derivable(model: str) -> bool:
    """Return whether a model is kept, or follows from kept ones and the recorded time."""
    return model in _derivable()


@cache
def _derivable() -> set[str]:
    derivable = {*KEPT_MODELS, *_FROM_HEADERS}
    for model in load_models():
        if model.name not in derivable and model.layer != "staging" and model.reads <= derivable:
            derivable.add(model.name)
    return derivable


def _tables_of(
    folder: Path, windows: Sequence[KeptWindow], session: SessionFile, server: Server, parts: Mapping[str, int]
) -> KeptTables:
    shifts = {fingerprint: session.seq_shifts[number] for fingerprint, number in parts.items()}
    given, files = {}, []
    for model in KEPT_MODELS:
        paths = [_file(folder, model, window) for window in windows]
        files += paths
        rows = " UNION ALL ".join(_selects(model, paths, windows, shifts)) or f"SELECT * FROM {_read([])}"
        rows = _MERGES[model].format(rows=rows) if model in _MERGES else rows
        given[model] = f"SELECT * FROM ({rows}) WHERE {_guard(model)}" if _guard(model) else rows
    return KeptTables(given, files, list(_restarts(windows, shifts)))


def _restarts(windows: Sequence[KeptWindow], shifts: Mapping[str, int]) -> Iterator[Restart]:
    for window in windows:
        moves = _moves(window, shifts)
        for restart in window.restarts:
            by = next((by for until, by in moves if restart.seq <= until), 0)
            yield restart._replace(seq=restart.seq + by)


def _file(folder: Path, model: str, window: KeptWindow) -> Path:
    return folder / model / window.folder / f"{window.version}.parquet"


def _selects(
    model: str, paths: Sequence[Path], windows: Sequence[KeptWindow], shifts: Mapping[str, int]
) -> Iterator[str]:
    """Yield statements for the rows of windows; rows get the numbers that they have in the session."""
    moves = [_moves(window, shifts) for window in windows]
    same = [path for path, move in zip(paths, moves, strict=True) if not any(by for _, by in move)]
    if same:
        yield f"SELECT * FROM {_read(same)}"
    for path, move in zip(paths, moves, strict=True):
        if any(by for _, by in move):
            columns = [column for column in parquet_schema(path).names if column.endswith("seq")]
            replaced = ", ".join(f"{_moved(name(column), move)} AS {name(column)}" for column in columns)
            yield f"SELECT * {f'REPLACE ({replaced})' if columns else ''} FROM {_read([path])}"


def _moves(window: KeptWindow, shifts: Mapping[str, int]) -> Sequence[tuple[int, int]]:
    """Return what is added to numbers of rows up to a number, in order; None of the last file's is limited."""
    moves: list[tuple[int, int]] = []
    for part in sorted((*window.parts, *window.guests), key=lambda part: part.first_seq):
        by = shifts[part.fingerprint] - part.shift if part.fingerprint in shifts else moves[-1][1] if moves else 0
        moves.append((part.last_seq, by))
    return moves


def _moved(column: str, moves: Sequence[tuple[int, int]]) -> str:
    *before, (_, last) = moves
    cases = " ".join(f"WHEN {column} <= {until} THEN {by}" for until, by in before if by != last)
    return f"{column} + CASE {cases} ELSE {last} END" if cases else f"{column} + {last}"


def _read(paths: Sequence[Path]) -> str:
    listed = ", ".join(text(plain_path(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


@cache
def _guard(model: str) -> str:
    """Return the condition that the parameters of a model have their defaults: kept rows would not follow others."""
    read_models = load_models([model])
    names = sorted({each for one in read_models for each in re.findall(r"param(?:_text)?\('(\w+)'\)", one.sql)})
    conditions = []
    for each in names:
        default = parameters()[each].default
        value = f"{text(default)}::VARCHAR" if isinstance(default, str) else f"{default}::DOUBLE"
        message = text(
            f"the kept table {model} was computed with {each} = {default}: connect with kept=False to set it"
        )
        conditions.append(
            f"CASE WHEN COALESCE(getvariable({text(each)}) = {value}, true) THEN true ELSE error({message}) END"
        )
    return " AND ".join(conditions)
