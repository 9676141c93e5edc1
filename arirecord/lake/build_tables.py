"""Computing the tables of a recording window by window, and keeping them."""

import fcntl
import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from arirecord.analytics.kept_tables import (
    KEPT_MODELS,
    KeptPart,
    KeptWindow,
    models_digest,
    read_windows,
    stale_reason,
    tables_folder,
    write_windows,
)  # fmt: skip
from arirecord.analytics.restarts import Restart
from arirecord.errors import ArirecordError
from arirecord.session.object_store import ObjectPath
from arirecord.session.part_index import write_index
from arirecord.session.reader import SessionFile
from arirecord.session.recorded_time import Gap, RecordedTime
from arirecord.session.servers import Server

from .engines import Engine, LocalEngine
from .home_windows import Visits, find_homes, recording_facts
from .layout import date_folder, is_lake, server_folder
from .shard import Shard
from .table_tasks import LinksTask, ShardTask, has_files, links_file, run_links, run_shard, table_file
from .window_links import LINKS_TABLE
from .windows import LakeWindow, WindowPart, fingerprints, gaps_of, windows_of

__all__ = ["BuiltTables", "build_tables", "extend_tables"]

Break = TypeVar("Break", Gap, Restart)
_FILES = "*/server=*/date=*/*"
_log = logging.getLogger(__name__)
_OTHERS_FILES = "another process builds the tables in {}: wait for it to end"


@dataclass(frozen=True)
class BuiltTables:
    """The windows whose tables are kept now, how many of them were computed, and the guests of all calls."""

    folder: Path
    window_count: int
    computed_count: int
    guest_count: int


def build_tables(
    session: SessionFile,
    *,
    engine: Engine | None = None,
    window_days: int = 1,
    progress: Callable[[str, int], object] = lambda step, done: None,
) -> BuiltTables:
    """Compute the tables of all windows of a session, where they are not kept and current, and keep them.

    A window is `window_days` days of one server. Late data computes its own window again, and those whose calls go on
    in it. Readers see all new tables at once, when the last one is there. A build that was ended goes on.

    Raises `ShardError` if the calls of a window cannot be separated from others, and `ArirecordError` for a session
    that is recorded at the time, or whose tables another process builds.
    """
    if session.is_running:
        raise ArirecordError(f"{session.path} is being recorded: build its tables when the recording has ended")
    engine, folder = engine or LocalEngine(), tables_folder(session.path)
    with _only_builder(folder):
        existing = set(folder.glob(_FILES))
        windows = {server.name: windows_of(session, server, window_days) for server in session.servers}
        links = _find_links(folder, existing, windows, engine, progress)
        tasks = [
            task
            for server in session.servers
            for task in _shard_tasks(folder, session, server, windows[server.name], links[server.name])
        ]
        due = [task for task in tasks if not has_files(existing, folder, task.folder, task.version)]
        for done, _ in enumerate(engine.run(run_shard, due), 1):
            progress("tables", done * len(tasks) // len(due))
        before = read_windows(folder)
        kept = [_kept_window(task, window_days) for task in tasks]
        write_windows(folder, kept)
        _remove_others(folder, kept, {path.stem for paths in links.values() for path in paths})
        if is_lake(session.path):
            write_index(session.path, session.parts, session.opened_ns)
        known = {window.version for window in before}
    guests = sum(len(keys) for task in tasks for keys in task.shard.guests.values())
    return BuiltTables(folder, len(tasks), len([1 for task in tasks if task.version not in known]), guests)


def extend_tables(session: SessionFile, progress: Callable[[str, int], object] = lambda step, done: None) -> None:
    """Compute what kept tables of a session lack, if it has some: windows with new files, or with files that are gone.

    Nothing is done for a part of a lake, a running recording, and tables that other models made. If the tables cannot
    be written, the log says so.
    """
    if session.is_running or len(session.inputs) > 1 or session.pruned_from or session.span_file:
        return
    windows = read_windows(tables_folder(session.path))
    if not windows or not stale_reason(session, windows):
        return
    try:
        # In this process: a script without a main guard would be run again by others.
        build_tables(session, engine=LocalEngine(1), window_days=windows[0].days, progress=progress)
    except (ArirecordError, OSError, duckdb.Error) as error:
        _log.info("tables of %s are not extended: %s", session.path, error)


def _find_links(
    folder: Path,
    existing: Collection[Path],
    windows: Mapping[str | None, Sequence[LakeWindow]],
    engine: Engine,
    progress: Callable[[str, int], object],
) -> Mapping[str | None, Sequence[Path]]:
    """Return the files with the links of all windows; missing ones are made."""
    tasks = {
        server: [
            LinksTask(str(folder), _folder_of(window), _digest(fingerprints(window.parts)), window)
            for window in of_server
        ]
        for server, of_server in windows.items()
    }
    paths = {server: [links_file(folder, task.folder, task.version) for task in own] for server, own in tasks.items()}
    due = [
        task
        for server, own in tasks.items()
        for task, path in zip(own, paths[server], strict=True)
        if path not in existing
    ]
    for done, _ in enumerate(engine.run(run_links, due), 1):
        progress("links", done)
    return paths


def _shard_tasks(
    folder: Path, session: SessionFile, server: Server, windows: Sequence[LakeWindow], links: Sequence[Path]
) -> Iterator[ShardTask]:
    if not windows:
        return
    facts, gaps = recording_facts(links), gaps_of(session, server)
    spans = session.recorded_time_of(server).spans
    homes, restarts = find_homes(windows, links)
    for window, visits in zip(windows, homes, strict=True):
        guests = {windows[number]: sorted(keys) for number, keys in sorted(visits.guests.items())}
        near = _near(window, guests, gaps, has_open=visits.has_open)
        near_restarts = _near(window, guests, restarts, has_open=visits.has_open)
        recorded = RecordedTime(spans, near)
        shard = Shard(window, guests, sorted(visits.strangers), visits.lives, recorded, near_restarts, facts)
        yield ShardTask(str(folder), _folder_of(window), _version(shard, visits), shard)


def _near(
    window: LakeWindow, guests: Mapping[LakeWindow, object], breaks: Sequence[Break], *, has_open: bool
) -> Sequence[Break]:
    """Return the gaps or restarts among the rows of a shard, and the next one if it has channels without an end."""
    last_seq = max(each.last_seq for each in (window, *guests))
    within = [each for each in breaks if window.first_seq <= each.seq <= last_seq]
    return within + ([each for each in breaks if each.seq > last_seq][:1] if has_open else [])


def _version(shard: Shard, visits: Visits) -> str:
    """Return a text that changes with all that the tables of a shard depend on."""
    first = shard.window.first_seq
    facts = dict(shard.facts)
    if not visits.has_open:
        del facts["ended_at"]
    gaps = shard.recorded.gaps if shard.recorded else ()
    # The times of receipt at the ends of recorded spans are kept, too.
    return _digest(
        fingerprints([*shard.window.parts, *(part for window in shard.guests for part in window.parts)]),
        [(str(window.day), keys) for window, keys in shard.guests.items()],
        shard.strangers,
        [life._replace(begin_seq=life.begin_seq - first) for life in shard.lives],
        [gap._replace(seq=gap.seq - first) for gap in gaps],
        [restart._replace(seq=restart.seq - first) for restart in shard.restarts],
        facts,
    )


def _digest(*items: object) -> str:
    text = models_digest().encode() + json.dumps(items, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:20]


def _folder_of(window: LakeWindow) -> str:
    return f"{server_folder(window.server)}/{date_folder(window.day)}"


def _kept_window(task: ShardTask, days: int) -> KeptWindow:
    def kept(parts: Sequence[WindowPart]) -> Sequence[KeptPart]:
        return [KeptPart(part.fingerprint, part.first_seq, part.last_seq, part.shift) for part in parts]

    shard = task.shard
    later = [part for window in shard.guests for part in window.parts]
    within = [restart for restart in shard.restarts if restart.seq <= shard.window.last_seq]
    parts = kept(shard.window.parts)
    return KeptWindow(shard.window.server, task.folder, task.version, parts, kept(later), within, days)


@contextmanager
def _only_builder(folder: Path) -> Iterator[None]:
    if isinstance(folder, ObjectPath):  # a store has no locks
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArirecordError(_OTHERS_FILES.format(folder)) from None
        yield


def _remove_others(folder: Path, kept: Sequence[KeptWindow], links: set[str]) -> None:
    """Remove files of other versions, and unfinished ones."""
    files = {table_file(folder, model, window.folder, window.version) for window in kept for model in KEPT_MODELS}
    for path in folder.glob(_FILES):
        is_link = path.parts[-4] == LINKS_TABLE and path.stem in links
        if path not in files and not is_link:
            path.unlink(missing_ok=True)
