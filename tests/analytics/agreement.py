"""How far the models agree with what Asterisk itself wrote of the same calls (CEL, CDR, queue_log).

`ARIRECORD_CAPTURES=… python -m tests.analytics.agreement` writes the table into `docs/metrics.md`; a test holds each
row against what it measures.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb

from arirecord.analytics import connect
from tests.conftest import has_truth, make_session, streams, truth

__all__ = [
    "COLUMNS", "PAGE", "TRUNCATION", "at", "cel", "close", "documented", "lone_cdrs", "measured", "pairs", "precision",
]  # fmt: skip

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
BEGIN, END = "<!-- agreement: made by `python -m tests.analytics.agreement` -->", "<!-- end of agreement -->"
COLUMNS = (
    "recording", "start", "answer", "end", "bridge entries", "precision", "recall", "transfers", "lone CDRs",
    "disposition", "duration", "billsec",
)  # fmt: skip

TRUNCATION = timedelta(milliseconds=1)
"""ARI cuts its times off at the millisecond; CEL has microseconds."""
HIDDEN = ("Announcer/", "Recorder/", "CBAnn/", "CBRec/")
"""Channels of Asterisk's own that ARI does not show."""


def at(row: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(row["eventtime"]), UTC).replace(tzinfo=None)


def close(one: datetime | None, other: datetime) -> bool:
    return one is not None and abs(one - other) <= TRUNCATION


def cel(scenario: str, con: duckdb.DuckDBPyConnection, *types: str) -> list[dict[str, Any]]:
    """CEL rows of some types, of channels that ARI shows, from the time in which the recording ran."""
    first, last = con.execute("SELECT min(received_at), max(received_at) FROM rows").fetchall()[0]
    return [
        row
        for row in truth(scenario, "cel")
        if row["eventtype"] in types
        and not str(row["channame"]).startswith(HIDDEN)
        and first - TRUNCATION <= at(row) <= last + TRUNCATION
    ]


def pairs(channels: Iterable[str], group: Mapping[str, str]) -> set[tuple[str, str]]:
    """All two channels that are in one group."""
    groups = defaultdict(list)
    for channel in sorted(channels):
        groups[group[channel]].append(channel)
    return {pair for members in groups.values() for pair in combinations(members, 2)}


def precision(scenario: str, con: duckdb.DuckDBPyConnection) -> tuple[float | None, float | None]:
    """Precision and recall of joining channels into calls, in pairs of channels; None where there are no pairs.

    Without Snoop channels: each has a linkedid of its own, and belongs to the call that it listens to here.
    """
    ours = dict(
        con.execute(
            "SELECT channel_id, call_id FROM int_call_channels JOIN int_channel_facts USING (channel_id) "
            "WHERE technology IS DISTINCT FROM 'Snoop'"
        ).fetchall()
    )
    theirs = {str(row["uniqueid"]): str(row["linkedid"]) for row in truth(scenario, "cel")}
    known = ours.keys() & theirs.keys()
    together, truly = pairs(known, ours), pairs(known, theirs)
    right = len(together & truly)
    return right / len(together) if together else None, right / len(truly) if truly else None


def lone_cdrs(scenario: str, con: duckdb.DuckDBPyConnection) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Whole calls, each with its CDR: one CDR row, no transfer, and no consultation for one.

    Not in a conference room: who comes last has a CDR that ends when he comes.
    """
    call_of = dict(con.execute("SELECT channel_id, call_id FROM int_call_channels").fetchall())
    rows = defaultdict(list)
    for row in truth(scenario, "cdr"):
        rows[call_of.get(row["uniqueid"])].append(row)
    transferrers = {row[0] for row in con.execute("SELECT transferer_second_channel_id FROM transfers").fetchall()}
    calls = con.sql("FROM calls WHERE is_complete AND transfer_count = 0").to_arrow_table().to_pylist()
    return [
        (call, rows[call["call_id"]][0])
        for call in calls
        if len(rows[call["call_id"]]) == 1
        and call["first_channel_id"] not in transferrers
        and rows[call["call_id"]][0]["lastapp"] != "ConfBridge"
    ]


def measured(stream: str, con: duckdb.DuckDBPyConnection) -> Sequence[str]:
    """The row of the table for a recording, cell by cell."""
    scenario = stream.partition("/")[0]

    def times(column: str, event_type: str) -> str:
        ours = dict(con.execute(f"SELECT channel_id, {column} FROM channels").fetchall())
        theirs: dict[str, datetime] = {}
        for row in cel(scenario, con, event_type):
            theirs.setdefault(str(row["uniqueid"]), at(row))
        return of(sum(close(ours.get(channel), time) for channel, time in theirs.items()), len(theirs))

    def entries() -> str:
        ours = set(con.execute("SELECT channel_id, bridge_id, entered_at FROM bridge_stays").fetchall())
        theirs = [
            (str(row["uniqueid"]), json.loads(row["eventextra"])["bridge_id"], at(row))
            for row in cel(scenario, con, "BRIDGE_ENTER")
        ]
        found = defaultdict(list)
        for channel, bridge, time in ours:
            found[channel, bridge].append(time)
        return of(sum(any(close(o, t) for o in found[c, b]) for c, b, t in theirs), len(theirs))

    def transfers() -> str:
        ours = con.execute("SELECT kind, transferer_channel_id, transferred_at FROM transfers").fetchall()
        theirs = cel(scenario, con, "BLINDTRANSFER", "ATTENDEDTRANSFER")
        kinds = {"BLINDTRANSFER": "blind", "ATTENDEDTRANSFER": "attended"}
        found = [
            row
            for row in theirs
            if any(
                (kind, who) == (kinds[row["eventtype"]], row["uniqueid"]) and abs(when - at(row)) <= 2 * TRUNCATION
                for kind, who, when in ours
            )
        ]
        return of(len(found), len(theirs))

    lone = lone_cdrs(scenario, con)

    def same(what: Callable[[dict[str, Any], dict[str, Any]], bool]) -> str:
        return of(sum(what(call, cdr) for call, cdr in lone), len(lone))

    joined = ["–" if ratio is None else f"{ratio:.3f}" for ratio in precision(scenario, con)]
    return [
        stream,
        times("created_at", "CHAN_START"),
        times("answered_at", "ANSWER"),
        times("ended_at", "CHAN_END"),
        entries(),
        *joined,
        transfers(),
        str(len(lone)),
        same(lambda call, cdr: call["disposition"] == cdr["disposition"]),
        same(lambda call, cdr: int(call["duration_s"]) == cdr["duration"]),
        same(lambda call, cdr: call["billsec"] == cdr["billsec"]),
    ]


def of(count: int, total: int) -> str:
    return "–" if total == 0 else f"all {total}" if count == total else f"{count} of {total}"


def documented() -> Mapping[str, Sequence[str]]:
    """The rows of the table in the page, by recording."""
    lines = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {row[0]: row for row in rows}


def write() -> None:
    """Measure every recording with all events and put the table into the page."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    with tempfile.TemporaryDirectory() as folder:
        for stream in sorted(name for name in streams() if name.endswith("/all") and has_truth(name)):
            path = make_session(streams()[stream], Path(folder, f"{stream.replace('/', '-')}.parquet"))
            models = ["channels", "bridge_stays", "transfers", "calls"]
            lines.append("| " + " | ".join(measured(stream, connect(path, models=models))) + " |")
            print(lines[-1])
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}" + rest.partition(END)[2])


if __name__ == "__main__":
    write()
