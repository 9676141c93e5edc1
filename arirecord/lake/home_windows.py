"""The home window of each call: where it is first seen. Its rows of later windows travel there as guests."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import orjson

from arirecord.analytics.object_files import register_object_files
from arirecord.analytics.restarts import MadeBounds, Restart
from arirecord.analytics.reused_ids import Life
from arirecord.analytics.views import text
from arirecord.session.parquet import parquet_schema
from arirecord.session.temporary_folder import new_path, plain_path

from .window_links import BOUNDS, FACTS, RESTARTS, Components
from .windows import LakeWindow

__all__ = ["MAX_AGE", "Visits", "find_homes", "recording_facts"]

MAX_AGE = timedelta(days=7)
"""A channel that is older has lost its end: a name of it in a later window is that of a new call there."""
_MEMORY = "400MB"
_SEPARATOR = "\x1f"
_SEEN = """
SELECT
    {number} AS window_number, channel_id, life, component, channel_name, created_at, last_at,
    first_seq + {first} AS first_seq, last_seq + {first} AS last_seq, is_over, is_new
FROM read_parquet({path}, hive_partitioning = false)
"""
_SEVERAL = """
SELECT * FROM seen
WHERE channel_id IN (
    SELECT channel_id FROM seen GROUP BY channel_id HAVING min(window_number) < max(window_number) OR max(life) > 1
)
ORDER BY channel_id, window_number, life
"""
# The ends of a Local channel are made together: one can be the last of its day, the other the first of the next.
_HALVES = """
SELECT one.window_number, one.component, two.window_number, two.component
FROM seen AS one
JOIN seen AS two
    ON one.channel_name LIKE '%;1' AND two.channel_name LIKE '%;2' AND two.channel_name[:-2] = one.channel_name[:-2]
    AND one.window_number <> two.window_number AND abs(epoch_ms(two.created_at) - epoch_ms(one.created_at)) < 1000
"""


class _Seen(NamedTuple):
    """A life of a channel in one window."""

    window: int
    channel_id: str
    life: int
    component: int
    name: str | None
    created_at: datetime | None
    last_at: datetime | None
    first_seq: int | None
    last_seq: int | None
    is_over: bool | None
    is_new: bool | None

    @property
    def node(self) -> tuple[int, int]:
        return self.window, self.component


@dataclass
class Visits:
    """Facts from other windows that a window needs, with the keys of channels (see `analytics.reused_ids`).

    guests: channels of calls at home here that later windows name, by the number of that window.
    strangers: channels that the window names, whose calls are at home earlier.
    lives: the lives of channels whose ids live more than once.
    has_open: a channel at home here has no end.
    """

    guests: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    strangers: set[str] = field(default_factory=set)
    lives: list[Life] = field(default_factory=list)
    has_open: bool = False


def find_homes(
    windows: Sequence[LakeWindow], links: Sequence[Path], max_age: timedelta = MAX_AGE
) -> tuple[Sequence[Visits], Sequence[Restart]]:
    """Return for each window of one server its `Visits`, and the restarts of the server.

    links: the files with the result of `scan_links` for each window.
    """
    with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(new_path("spill"))}) as connection:
        selects = (
            _SEEN.format(number=number, first=window.first_seq, path=text(plain_path(path)))
            for number, (window, path) in enumerate(zip(windows, links, strict=True))
        )
        register_object_files(connection, links)
        connection.execute("SET threads = 1")
        connection.execute(f"CREATE TABLE seen AS {' UNION ALL '.join(selects)}")
        several = [_Seen(*row) for row in connection.execute(_SEVERAL).fetchall()]
        components = Components[tuple[int, int]]()
        for one, component, two, other_component in connection.execute(_HALVES).fetchall():
            components.join((one, component), (two, other_component))
        lives = _number_lives(several, components, max_age)
        visits = [Visits() for _ in windows]
        homes = _homes(components)
        crossing = [node for node in homes if homes[node] < node[0]]
        connection.execute("CREATE TABLE crossing (window_number BIGINT, component BIGINT)")
        if crossing:
            connection.executemany("INSERT INTO crossing VALUES (?, ?)", crossing)
        rows = connection.execute("FROM seen SEMI JOIN crossing USING (window_number, component)").fetchall()
        for seen in (_Seen(*row) for row in rows):
            key = _key(seen.channel_id, lives.get((seen.window, seen.channel_id, seen.life), 1))
            visits[seen.window].strangers.add(key)
            visits[homes[seen.node]].guests[seen.window].add(key)
        for number, visit in enumerate(visits):
            visit.lives = _lives_of(windows, {number, *visit.guests}, several, lives)
        _note_open(connection, visits, homes)
        restarts = _restarts(connection, windows, links)
    return visits, restarts


def _number_lives(
    several: Sequence[_Seen], components: Components[tuple[int, int]], max_age: timedelta
) -> Mapping[tuple[int, str, int], int]:
    """Number the lives of ids over all windows, and join the components of a life that goes on in a later window."""
    numbers: dict[tuple[int, str, int], int] = {}
    before: _Seen | None = None
    number = 1
    for seen in several:
        if before is None or before.channel_id != seen.channel_id:
            number = 1
        elif seen.window == before.window or _is_another(before, seen):
            number += 1
        elif not _is_lost(before, seen, max_age):
            components.join(before.node, seen.node)
        numbers[seen.window, seen.channel_id, seen.life] = number
        before = seen
    return numbers


def _is_another(before: _Seen, seen: _Seen) -> bool:
    """Whether an id is another channel than in an earlier window, by the rules of `analytics.reused_ids`."""
    if before.created_at is None or seen.created_at is None or seen.created_at == before.created_at:
        return False
    is_after = before.last_at is None or seen.created_at >= before.last_at
    return bool(seen.is_new) or (is_after and (bool(before.is_over) or seen.name != before.name))


def _is_lost(before: _Seen, seen: _Seen, max_age: timedelta) -> bool:
    return (
        not before.is_over
        and before.created_at is not None
        and seen.last_at is not None
        and seen.last_at - before.created_at > max_age
    )


def _homes(components: Components[tuple[int, int]]) -> Mapping[tuple[int, int], int]:
    """Return the home window of each component of a window that is joined with others."""
    homes: dict[tuple[int, int], int] = {}
    for node in components.nodes():
        top = components.top(node)
        homes[top] = min(homes.get(top, node[0]), node[0])
    return {node: homes[components.top(node)] for node in components.nodes()}


def _lives_of(
    windows: Sequence[LakeWindow],
    numbers: set[int],
    several: Sequence[_Seen],
    lives: Mapping[tuple[int, str, int], int],
) -> list[Life]:
    of_windows = []
    for seen in several:
        if seen.window not in numbers:
            continue
        number, begin_seq = lives[seen.window, seen.channel_id, seen.life], windows[seen.window].first_seq
        if seen.life > 1 or (seen.is_new and number > 1):
            if seen.life == 1 and number > 2:  # rows before belong to the life before
                of_windows.append(Life("channel", seen.channel_id, _key(seen.channel_id, number - 1), begin_seq))
            begin_seq = seen.first_seq if seen.first_seq is not None else begin_seq
        if number > 1:
            of_windows.append(Life("channel", seen.channel_id, _key(seen.channel_id, number), begin_seq))
    return of_windows


def _key(channel_id: str, life: int) -> str:
    return channel_id if life == 1 else f"{channel_id}{_SEPARATOR}{life}"


def _note_open(
    connection: duckdb.DuckDBPyConnection, visits: Sequence[Visits], homes: Mapping[tuple[int, int], int]
) -> None:
    """Note the windows that have channels without an end."""
    rows = connection.execute("""
        SELECT arg_max(window_number, window_number), arg_max(component, window_number)
        FROM seen WHERE is_over IS NOT NULL
        GROUP BY channel_id, CASE WHEN life > 1 THEN window_number END, life
        HAVING NOT arg_max(is_over, window_number)
    """).fetchall()
    for window, component in rows:
        visits[homes.get((window, component), window)].has_open = True


def _restarts(
    connection: duckdb.DuckDBPyConnection, windows: Sequence[LakeWindow], links: Sequence[Path]
) -> Sequence[Restart]:
    """Return the restarts within and between windows that no channel outlives."""
    restarts: list[Restart] = []
    earlier, last_us = None, None
    for window, path in zip(windows, links, strict=True):
        metadata = parquet_schema(path).metadata
        bounds = MadeBounds(*orjson.loads(metadata[BOUNDS]))
        own = [Restart(*row) for row in orjson.loads(metadata[RESTARTS])]
        if earlier and (restart := bounds.restart_after(earlier, last_us)):
            own.insert(0, restart)
        restarts += [restart._replace(seq=restart.seq + window.first_seq) for restart in own]
        earlier = bounds if bounds.last_s is not None else earlier
        last_us = bounds.last_us or last_us
    connection.execute(
        "CREATE TABLE spans AS "
        "SELECT min(first_seq) AS first_seq, max(last_seq) AS last_seq FROM seen GROUP BY channel_id"
    )
    outlived = "SELECT count(*) FROM spans WHERE first_seq < ? AND last_seq > ?"
    return [
        restart for restart in restarts if connection.execute(outlived, [restart.seq, restart.seq]).fetchall() == [(0,)]
    ]


def recording_facts(links: Sequence[Path]) -> Mapping[str, object]:
    """Return the row of `int_recording_facts` of all windows together; `ended_at` is a text."""
    rows = [orjson.loads(parquet_schema(path).metadata[FACTS]) for path in links]
    return {
        "ended_at": max((row["ended_at"] for row in rows if row["ended_at"]), default=None),
        "has_dials": any(row["has_dials"] for row in rows),
        "has_requests": any(row["has_requests"] for row in rows),
    }
