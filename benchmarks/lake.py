"""The large lake: several servers over days, computed by one connection a server, by processes and by Spark.

    python -m benchmarks.lake FOLDER [--servers 6] [--days 4] [--events 122000] [--spark]

makes FOLDER/lake, in which real traffic crosses the midnights of each server (`--events` around each), and prints for
the same tables: CPU seconds, the largest process, whether all rows of all tables are equal, bytes of tasks and results
for each event, the CPU of a table from kept ones, and the bytes read for one day.
"""

import argparse
import pickle
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import duckdb

from arirecord.analytics.connection import Tables, connect
from arirecord.analytics.kept_tables import KEPT_MODELS
from arirecord.analytics.models import mart_names
from arirecord.lake.build_tables import build_tables
from arirecord.lake.engines import Engine, LocalEngine
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import list_parts
from arirecord.lake.pruning import open_pruned
from arirecord.lake.spark_engine import SparkEngine
from arirecord.select.times import Position, Window
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import seal
from benchmarks.generate import frames

__all__ = ["make_lake"]

Task = TypeVar("Task")
Result = TypeVar("Result")
_ALL_DAYS = 1000
_FIRST_DAY = datetime(2026, 11, 24, tzinfo=UTC)
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?=\.\d{3}[+-]\d{4})")
_UNIQUE = re.compile(r"\b1[5-9]\d{8}(?=\.\d+\b)")
_UUID = re.compile(r"\b[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)")
_GIVEN = re.compile(r"\b((?:agent|out|pb)-)([0-9a-f]{10,12})\b")
_SERVER = re.compile(r'("asterisk_id": ?")[^"]*(?=")')


def make_lake(folder: Path, servers: int, days: int, events: int) -> Path:
    """Make a lake of servers with traffic around each of `days` midnights, unless it is there; return its root."""
    root = folder / "lake"
    if root.exists():
        return root
    for server in range(servers):
        for day in range(days):
            target = folder / "in" / f"{server}-{day}.parquet"
            _write(target, server, day, events)
            ingest([target], root)
            target.unlink()
            print(f"server {server}, midnight {day}", file=sys.stderr)
    return root


def _write(target: Path, server: int, day: int, events: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    made = list(frames(events, seed=100 * server + day))
    middle_ns = (made[0][0] + made[-1][0]) // 2
    midnight = _FIRST_DAY + timedelta(days=day)
    shift_s = int(midnight.timestamp()) - middle_ns // 10**9
    shift, begun = timedelta(seconds=shift_s), made[0][0] + shift_s * 10**9

    lap = 7919 * (100 * server + day)

    def moved(text: str) -> str:
        text = _TIME.sub(lambda at: (datetime.fromisoformat(at[0]) + shift).isoformat(), text)
        text = _UNIQUE.sub(lambda epoch: str(int(epoch[0]) + shift_s), text)
        text = _UUID.sub(lambda uuid: f"{(int(uuid[0], 16) + lap) % 2**32:08x}", text)
        # An app gives an id of a playback once; one connection takes two with the same id for one.
        text = _GIVEN.sub(lambda given: f"{given[1]}{(int(given[2], 16) + lap) % 16**10:010x}", text)
        return _SERVER.sub(rf"\1pbx{server}", text)

    writer = JournalWriter(journal_path(target), begun, {"verb": "import", "files": ["generated"]})
    for at in range(0, len(made), 1000):
        rows = [(t_ns + shift_s * 10**9, moved(text)) for t_ns, text in made[at : at + 1000]]
        writer.write((t_ns, t_ns - begun, "event", text) for t_ns, text in rows)
    writer.close()
    seal(journal_path(target), target)


class _Counting:
    """An engine that counts the bytes of tasks and results, which an engine on other machines moves."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.moved = engine, 0

    def run(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        self.moved += sum(len(pickle.dumps(task)) for task in tasks)
        for result in self._engine.run(function, tasks):
            self.moved += len(pickle.dumps(result))
            yield result


def _cpu_s() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@contextmanager
def _measured(what: str) -> Iterator[None]:
    cpu_s, wall_s = _cpu_s(), time.monotonic()
    yield
    print(f"{what}: {_cpu_s() - cpu_s:.1f} CPU s, {time.monotonic() - wall_s:.0f} s", flush=True)


def _compute_by_server(root: Path, folder: Path) -> None:
    """Compute the tables that are kept with one connection for each server, and write them."""
    folder.mkdir(exist_ok=True)
    session = open_session(root)
    for number, server in enumerate(session.servers):
        tables = Tables(open_session([session.parts[part].path for part in server.parts]))
        tables.limit(1, "400MB")
        tables.need(KEPT_MODELS)
        for model in KEPT_MODELS:
            tables.connection.execute(f"COPY (FROM {model}) TO '{folder}/{model}-{number}.parquet' (COMPRESSION zstd)")
        tables.connection.close()


def _differing_marts(root: Path, folder: Path) -> list[str]:
    """Return the marts whose kept rows are not those of one connection to the whole lake."""
    folder.mkdir(exist_ok=True)
    for side in ("whole", "kept"):
        with connect(root, kept=side == "kept") as session:
            for mart in mart_names():
                session.execute(f"COPY (FROM {mart}) TO '{folder}/{mart}-{side}.parquet'")
    with duckdb.connect() as db:
        return [
            mart
            for mart in mart_names()
            if _differs(db, folder / f"{mart}-whole.parquet", folder / f"{mart}-kept.parquet")
        ]


def _differs(db: duckdb.DuckDBPyConnection, one: Path, two: Path) -> bool:
    columns = ", ".join(f'"{column}"' for column, *_ in db.execute(f"DESCRIBE FROM '{one}'").fetchall())
    sides = [f"(SELECT {columns} FROM '{path}')" for path in (one, two)]
    return any(db.execute(f"FROM {a} EXCEPT ALL FROM {b} LIMIT 1").fetchall() for a, b in (sides, sides[::-1]))


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def _one_day(root: Path) -> None:
    """Compare the bytes read for the calls of a day with those of its files."""
    begin_ns = int((_FIRST_DAY + timedelta(days=1)).timestamp()) * 10**9
    with connect(list_parts(root)[0].path, models=["calls"], kept=False):
        pass  # modules are loaded
    window = Window(Position(begin_ns), Position(begin_ns + 86_400 * 10**9))
    before = _bytes_read()
    with connect(open_pruned(root, lambda span: [window], has_calls=True), models=["calls"], kept=False) as db:
        count = len(db.execute("FROM calls").fetchall())
    read, day = _bytes_read() - before, (_FIRST_DAY + timedelta(days=1)).date()
    size = sum(part.path.stat().st_size for part in list_parts(root, first_day=day, last_day=day))
    print(f"calls of one day of all servers ({count:,}): {read / size:.2f} of the bytes of its files")


def main() -> None:
    """Make the lake, and print each figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--servers", type=int, default=6)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--events", type=int, default=122_000)
    parser.add_argument("--spark", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    root = make_lake(arguments.folder, arguments.servers, arguments.days, arguments.events)
    session = open_session(root)
    events = session.header.events
    print(f"{events:,} events, {len(session.servers)} servers, {len(session.parts)} parts")
    with _measured("one connection for each server"):
        _compute_by_server(root, arguments.folder / "by-server")
    engines: dict[str, Engine] = {"processes": LocalEngine()}
    if arguments.spark:
        engines["Spark"] = SparkEngine(master="local[2]")
    for name, engine in engines.items():
        shutil.rmtree(root / "tables", ignore_errors=True)
        counting = _Counting(engine)
        with _measured(name):
            built = build_tables(session, engine=counting, window_days=_ALL_DAYS)
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        moved = counting.moved / events
        print(f"  {built.window_count} windows, {built.guest_count} guests, {moved:.2f} bytes moved an event")
        differing = _differing_marts(root, arguments.folder / name) or "none"
        print(f"  largest process {peak_mb:.0f} MB, tables that differ: {differing}", flush=True)
    shutil.rmtree(root / "tables")
    days = build_tables(session)
    print(f"windows of a day: {days.window_count}, {days.guest_count} guests")
    print(f"  tables that differ: {_differing_marts(root, arguments.folder / 'days') or 'none'}")
    for what, command in (
        ("import duckdb", ["-c", "import duckdb"]),
        ("calls from kept tables", ["-m", "arirecord", "calls", str(root), "--limit", "3"]),
    ):
        with _measured(what):
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    _one_day(root)


if __name__ == "__main__":
    main()
