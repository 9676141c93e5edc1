"""Diff: compare two sessions by their calls and by the totals of their metrics."""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from arirecord.analytics import connect
from arirecord.analytics.connection import MEMORY
from arirecord.analytics.mart_columns import mart_columns
from arirecord.analytics.views import text
from arirecord.session.reader import SessionFile
from arirecord.session.temporary_folder import new_path, temporary_folder
from arirecord.suggest import unknown_name

__all__ = ["MARTS", "Difference", "compare_sessions"]

MARTS = ("calls", "legs", "conversations", "talk", "dtmf", "transfers", "hangups")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class Difference:
    """The differences. `rows` has `what` (`only in A`, `only in B`, `differs`, `total`), `mart`, `call_a`, `call_b`,
    `metric`, `a` and `b`; without differences it is empty. `call_count` is the number of calls in A.
    """

    rows: duckdb.DuckDBPyRelation
    call_count: int


@contextmanager
def compare_sessions(
    a: SessionFile, b: SessionFile, *, ignore: Collection[str] = (), marts: Collection[str] = MARTS
) -> Iterator[Difference]:
    """Compare the calls of two sessions column by column, and the totals of `marts` (`calls` is always among them).

    Calls match by id and server. The others match by numbers, in order of time; their ids and times are not compared,
    since they were recorded at another time. Columns in `ignore`, and positions in the recording (`seq`), are left out.
    The result is valid within the context. Raises `UnknownName` if none of `marts` has a column of `ignore`.
    """
    marts = sorted({"calls", *marts})
    known = {column for mart in marts for column in mart_columns(mart)}
    if unknown := sorted({*ignore} - known):
        raise unknown_name("The compared tables have no column", unknown[0], sorted(known))
    with tempfile.TemporaryDirectory(prefix="diff-", dir=temporary_folder()) as name:
        folder = Path(name)
        for side, session in (("a", a), ("b", b)):
            with connect(session, models=marts) as db:
                for mart in marts:
                    db.execute(f"COPY (SELECT * FROM {mart}) TO {_file(folder, mart, side)} (FORMAT parquet)")
        with duckdb.connect(config={"temp_directory": str(new_path("spill")), "memory_limit": MEMORY}) as db:
            for mart in marts:
                for side in "ab":
                    file = _file(folder, mart, side)
                    view = f"CREATE VIEW {mart}_{side} AS FROM read_parquet({file})"
                    db.execute(_SIDES.format(side=side, file=file) if mart == "calls" else view)
            db.execute(_MATCHED)
            rows = db.sql(
                f"SELECT * EXCLUDE (position) FROM ({_differences(db, marts, ignore)})"
                " ORDER BY position, call_a, call_b, mart, metric"
            )
            count = db.sql("SELECT count(*) FROM calls_a").fetchall()[0][0]
            yield Difference(rows, count)


def _file(folder: Path, mart: str, side: str) -> str:
    return text(str(folder / f"{mart}-{side}.parquet"))


_SIDES = """
    CREATE VIEW calls_{side} AS
    SELECT
        *,
        row_number() OVER () AS call_key,
        call_id || CASE WHEN min(server) OVER () <> max(server) OVER () THEN ' on ' || server ELSE '' END AS call_name
    FROM read_parquet({file})
"""
"""The calls of one side. An id is a call on each server: where there are several, the name of a call has its server."""
_MATCHED = """
    CREATE TABLE matched AS
    WITH of_server AS (
        SELECT a.call_key AS key_a, b.call_key AS key_b
        FROM calls_a AS a JOIN calls_b AS b ON a.call_id = b.call_id AND a.server IS NOT DISTINCT FROM b.server
    ),
    -- A server may have another name on the other side.
    same AS (
        FROM of_server
        UNION ALL
        SELECT any_value(a.call_key), any_value(b.call_key)
        FROM calls_a AS a JOIN calls_b AS b USING (call_id)
        WHERE a.call_key NOT IN (SELECT key_a FROM of_server) AND b.call_key NOT IN (SELECT key_b FROM of_server)
        GROUP BY call_id
        HAVING count(*) = 1
    ),
    left_a AS (
        SELECT *, row_number() OVER (
            PARTITION BY caller_number, dialled_exten, called_number ORDER BY started_at, call_id) AS turn
        FROM calls_a WHERE call_key NOT IN (SELECT key_a FROM same)
    ),
    left_b AS (
        SELECT *, row_number() OVER (
            PARTITION BY caller_number, dialled_exten, called_number ORDER BY started_at, call_id) AS turn
        FROM calls_b WHERE call_key NOT IN (SELECT key_b FROM same)
    ),
    pairs AS (
        SELECT key_a, key_b, true AS is_same_id FROM same
        UNION ALL
        SELECT a.call_key, b.call_key, false
        FROM left_a AS a FULL JOIN left_b AS b
            ON a.caller_number IS NOT DISTINCT FROM b.caller_number
            AND a.dialled_exten IS NOT DISTINCT FROM b.dialled_exten
            AND a.called_number IS NOT DISTINCT FROM b.called_number
            AND a.turn = b.turn
    )
    SELECT pairs.*, a.call_name AS call_a, b.call_name AS call_b
    FROM pairs LEFT JOIN calls_a AS a ON a.call_key = key_a LEFT JOIN calls_b AS b ON b.call_key = key_b
"""


def _differences(db: duckdb.DuckDBPyConnection, marts: Sequence[str], ignore: Collection[str]) -> str:
    parts = [
        _part("'only in A'", "'calls'", "call_a", "NULL", "NULL", "NULL", "NULL", "1")
        + " FROM matched WHERE key_b IS NULL",
        _part("'only in B'", "'calls'", "NULL", "call_b", "NULL", "NULL", "NULL", "2")
        + " FROM matched WHERE key_a IS NULL",
    ]
    for name, _ in _compared(db, "calls", ignore):
        if name in ("call_id", "call_key", "call_name"):
            continue
        when = "" if not name.endswith(("_id", "_at", "server")) else " AND is_same_id"
        parts.append(
            _part("'differs'", "'calls'", "call_a", "call_b", f"'{name}'", f"a.{name}", f"b.{name}", "3")
            + " FROM matched JOIN calls_a AS a ON a.call_key = key_a JOIN calls_b AS b ON b.call_key = key_b"
            f" WHERE a.{name} IS DISTINCT FROM b.{name}{when}"
        )
    for mart in marts:
        sums = [("count(*)", "rows")] + [
            (f"sum({name})", name)
            for name, column_type in _compared(db, mart, ignore)
            if column_type.partition("(")[0] in _NUMBERS and name.endswith(("_s", "_ms", "_count", "billsec"))
        ]
        for total, name in sums:
            both = f"(SELECT {total} AS a FROM {mart}_a), (SELECT {total} AS b FROM {mart}_b)"
            different = "a IS DISTINCT FROM b AND (a IS NULL OR b IS NULL OR abs(a - b) > 1e-6)"
            parts.append(
                _part("'total'", f"'{mart}'", "NULL", "NULL", f"'{name}'", "a", "b", "4")
                + f" FROM {both} WHERE {different}"
            )
    return " UNION ALL ".join(parts)


def _part(what: str, mart: str, call_a: str, call_b: str, metric: str, a: str, b: str, position: str) -> str:
    return (
        f"SELECT {what} AS what, {mart} AS mart, {call_a}::VARCHAR AS call_a, {call_b}::VARCHAR AS call_b,"
        f" {metric}::VARCHAR AS metric, {a}::VARCHAR AS a, {b}::VARCHAR AS b, {position} AS position"
    )


def _compared(db: duckdb.DuckDBPyConnection, mart: str, ignore: Collection[str]) -> list[tuple[str, str]]:
    """Return the columns of both that are compared, with their types."""
    described = {side: db.execute(f"DESCRIBE {mart}_{side}").fetchall() for side in "ab"}
    other = {row[0] for row in described["b"]}
    return [
        (name, str(column_type))
        for name, column_type, *_ in described["a"]
        if name in other and name not in ignore and name != "seq" and not name.endswith("_seq")
    ]
