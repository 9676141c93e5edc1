"""How long do the tables of a long session take, and how much memory? Beside the same questions put in other ways.

    python -m benchmarks.metrics [EVENTS …] [--rounds N] [--folder FOLDER]

takes sessions of so many events (100,000 if none is given) made of generated streams in FOLDER (a temporary one), and
measures, each in a process of its own, in turns: all tables; five of them (durations, talk, DTMF, transfers, links);
five plain questions of these kinds in SQL over the session; the same by hand in polars over the same file; and, word
for word, in DuckDB over a JSONL file of the same frames, through `read_json`. The questions are simpler than the
tables: they join no calls, follow no transfer, count repeated frames twice and know no gaps.
"""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from arirecord.analytics.connection import Tables
from arirecord.analytics.models import mart_names
from arirecord.session.reader import open_session
from benchmarks.figure import Figure, tell
from benchmarks.generate import make_stream
from benchmarks.sealing import make_session

ROOT = Path(__file__).parents[1]
LARGEST = 10_000_000
BASIC = ("channels", "talk", "dtmf", "transfers", "links")
COLUMNS = """{
    type: 'VARCHAR', timestamp: 'VARCHAR', digit: 'VARCHAR', duration_ms: 'BIGINT', duration: 'BIGINT',
    cause: 'BIGINT', result: 'VARCHAR', exten: 'VARCHAR', dialstatus: 'VARCHAR',
    channel: 'STRUCT(id VARCHAR, name VARCHAR, state VARCHAR)',
    bridge: 'STRUCT(id VARCHAR, bridge_type VARCHAR, channels VARCHAR[])',
    caller: 'STRUCT(id VARCHAR)', peer: 'STRUCT(id VARCHAR)', transferee: 'STRUCT(id VARCHAR)',
    transferer_first_leg: 'STRUCT(id VARCHAR)', transfer_target: 'STRUCT(id VARCHAR)'
}"""


def marts(names: tuple[str, ...], session: Path) -> dict[str, int]:
    """Every row of these tables, in batches; how many each has."""
    tables = Tables(open_session(session))
    tables.need(names)
    sql = tables.connection.sql
    return {name: sum(batch.num_rows for batch in sql(f"FROM {name}").to_arrow_reader()) for name in names}


def by_read_json(lines: Path) -> dict[str, int]:
    """The five questions in SQL over the JSONL file, each with the columns that it needs."""
    con = duckdb.connect()
    flat = ", ".join(f"{source} AS {column}" for column, (source, _) in FLAT.items())
    con.execute(
        f"CREATE VIEW events AS SELECT {flat}, row_number() OVER () AS seq FROM read_json('{lines}', "
        f"format = 'newline_delimited', columns = {COLUMNS}, maximum_object_size = 1000000)"
    )
    return answers(con)


def by_sql(session: Path) -> dict[str, int]:
    """The same questions, word for word, over the session."""
    con = Tables(open_session(session)).connection
    known = con.sql("FROM events").columns
    columns = [column if column in known else f"NULL::{kind} AS {column}" for column, (_, kind) in FLAT.items()]
    con.execute(f"CREATE VIEW events_of_session AS SELECT seq, {', '.join(columns)} FROM events")
    return answers(con, "events_of_session")


def answers(con: duckdb.DuckDBPyConnection, events: str = "events") -> dict[str, int]:
    """How many rows each of the questions has for an answer."""
    asked = {name: sql.replace("FROM events", f"FROM {events}") for name, sql in QUESTIONS.items()}
    return {name: sum(batch.num_rows for batch in con.sql(sql).to_arrow_reader()) for name, sql in asked.items()}


FLAT = {
    "type": ("type", "VARCHAR"),
    "timestamp": ("timestamp[:23]::TIMESTAMP", "TIMESTAMP"),
    "digit": ("digit", "VARCHAR"),
    "duration_ms": ("duration_ms", "BIGINT"),
    "duration": ("duration", "BIGINT"),
    "cause": ("cause", "BIGINT"),
    "result": ("result", "VARCHAR"),
    "exten": ("exten", "VARCHAR"),
    "channel_id": ("channel.id", "VARCHAR"),
    "channel_state": ("channel.state", "VARCHAR"),
    "bridge_id": ("bridge.id", "VARCHAR"),
    "bridge_bridge_type": ("bridge.bridge_type", "VARCHAR"),
    "bridge_channels": ("bridge.channels", "VARCHAR[]"),
    "caller_id": ("caller.id", "VARCHAR"),
    "peer_id": ("peer.id", "VARCHAR"),
    "transferee_id": ("transferee.id", "VARCHAR"),
    "transferer_first_leg_id": ("transferer_first_leg.id", "VARCHAR"),
    "transfer_target_id": ("transfer_target.id", "VARCHAR"),
}
"""Columns of the questions, as a session has them; each with where JSON has it."""
QUESTIONS = {
    "channels": """
        SELECT channel_id, min(timestamp) FILTER (type = 'ChannelCreated') AS created_at,
            min(timestamp) FILTER (type = 'ChannelStateChange' AND channel_state = 'Up') AS answered_at,
            min(timestamp) FILTER (type = 'ChannelDestroyed') AS ended_at, max(cause) AS cause
        FROM events WHERE type IN ('ChannelCreated', 'ChannelStateChange', 'ChannelDestroyed') GROUP BY ALL""",
    "talk": """
        WITH steps AS (
            SELECT channel_id, type, timestamp, duration,
                lead(timestamp) OVER (PARTITION BY channel_id, bridge_id ORDER BY seq) AS next_at
            FROM events
            WHERE (type IN ('ChannelEnteredBridge', 'ChannelLeftBridge') AND bridge_bridge_type <> 'holding')
                OR type = 'ChannelTalkingFinished'
        )
        SELECT channel_id, sum(epoch_ms(next_at) - epoch_ms(timestamp)) FILTER (type = 'ChannelEnteredBridge')
            AS talk_ms, sum(duration) AS spoken_ms
        FROM steps GROUP BY channel_id""",
    "dtmf": """
        WITH gaps AS (
            SELECT channel_id, seq, digit, timestamp, timestamp - to_milliseconds(duration_ms)
                - lag(timestamp) OVER (PARTITION BY channel_id ORDER BY seq) AS gap
            FROM events WHERE type = 'ChannelDtmfReceived'
        ), numbered AS (
            SELECT *, count(*) FILTER (gap IS NULL OR gap > INTERVAL 3 SECOND)
                OVER (PARTITION BY channel_id ORDER BY seq) AS sequence
            FROM gaps
        )
        SELECT channel_id, sequence, string_agg(digit, '' ORDER BY seq) AS digits, min(timestamp), max(timestamp)
        FROM numbered GROUP BY channel_id, sequence""",
    "transfers": """
        SELECT timestamp, type, result, exten, channel_id AS transferer, transferer_first_leg_id AS first_leg,
            transferee_id AS transferee, transfer_target_id AS target
        FROM events WHERE type IN ('BridgeBlindTransfer', 'BridgeAttendedTransfer')""",
    "links": """
        SELECT id, other, min(seq) AS first_seq FROM (
            SELECT peer_id AS id, caller_id AS other, seq FROM events WHERE type = 'Dial'
            UNION ALL
            SELECT channel_id, unnest(bridge_channels), seq FROM events
            WHERE type IN ('ChannelEnteredBridge', 'ChannelLeftBridge') AND bridge_bridge_type <> 'holding'
            UNION ALL
            SELECT transferee_id, COALESCE(channel_id, transferer_first_leg_id), seq FROM events
            WHERE type IN ('BridgeBlindTransfer', 'BridgeAttendedTransfer')
        ) WHERE id <> other GROUP BY id, other""",
}


NUMBERS = ("cause", "duration", "duration_ms")
TEXTS = (
    "digit", "result", "bridge_id", "bridge_bridge_type", "channel_state", "peer_id", "caller_id", "transferee_id",
    "transferer_first_leg_id",
)  # fmt: skip
"""Columns that a session without such events lacks."""


def by_polars(session: Path) -> dict[str, int]:
    """The five questions in polars over the session."""
    events, of_type, when = pl.scan_parquet(session), pl.col("type"), pl.col("timestamp")
    known = events.collect_schema().names()
    kinds: dict[str, Any] = {
        **dict.fromkeys(NUMBERS, pl.Int64),
        **dict.fromkeys(TEXTS, pl.String),
        "bridge_channels": pl.List(pl.String),
    }
    events = events.with_columns(pl.lit(None, kind).alias(name) for name, kind in kinds.items() if name not in known)
    lives = events.filter(of_type.is_in(["ChannelCreated", "ChannelStateChange", "ChannelDestroyed"]))
    channels = lives.group_by("channel_id").agg(
        created_at=when.filter(of_type == "ChannelCreated").min(),
        answered_at=when.filter((of_type == "ChannelStateChange") & (pl.col("channel_state") == "Up")).min(),
        ended_at=when.filter(of_type == "ChannelDestroyed").min(),
        cause=pl.col("cause").max(),
    )
    bridges = events.filter(
        of_type.is_in(["ChannelEnteredBridge", "ChannelLeftBridge"]) & (pl.col("bridge_bridge_type") != "holding")
    )
    stays = bridges.sort("seq").with_columns(next_at=when.shift(-1).over("channel_id", "bridge_id"))
    bridged = stays.filter(of_type == "ChannelEnteredBridge").group_by("channel_id")
    spoken = events.filter(of_type == "ChannelTalkingFinished").group_by("channel_id")
    talk = bridged.agg(talk=(pl.col("next_at") - when).sum()).join(
        spoken.agg(spoken_ms=pl.col("duration").sum()), on="channel_id", how="full", coalesce=True
    )
    digits = events.filter(of_type == "ChannelDtmfReceived").sort("seq")
    gap = when - pl.duration(milliseconds="duration_ms") - when.shift(1).over("channel_id")
    sequence = (gap.is_null() | (gap > pl.duration(seconds=3))).cum_sum().over("channel_id")
    dtmf = (
        digits.with_columns(sequence=sequence)
        .group_by("channel_id", "sequence")
        .agg(digits=pl.col("digit").str.join(), started_at=when.min(), ended_at=when.max())
    )
    moved = events.filter(of_type.is_in(["BridgeBlindTransfer", "BridgeAttendedTransfer"]))
    parties = ["channel_id", "transferer_first_leg_id", "transferee_id", "transfer_target_id"]
    transfers = moved.select("seq", "timestamp", "type", "result", *(name for name in parties if name in known))
    pairs = [
        events.filter(of_type == "Dial").select("seq", id="peer_id", other="caller_id"),
        bridges.select("seq", id="channel_id", other="bridge_channels").explode("other"),
        moved.select("seq", id="transferee_id", other=pl.coalesce("channel_id", "transferer_first_leg_id")),
    ]
    links = pl.concat(pairs).filter(pl.col("id") != pl.col("other")).group_by("id", "other").agg(pl.col("seq").min())
    frames = {"channels": channels, "talk": talk, "dtmf": dtmf, "transfers": transfers, "links": links}
    return {name: frame.collect(engine="streaming").height for name, frame in frames.items()}


CASES: dict[str, tuple[str, Callable[[Path], dict[str, int]]]] = {
    "all tables": ("parquet", lambda path: marts(tuple(mart_names()), path)),
    "five tables": ("parquet", lambda path: marts(BASIC, path)),
    "five questions in SQL": ("parquet", by_sql),
    "five in polars": ("parquet", by_polars),
    "five through read_json": ("jsonl", by_read_json),
}


def measure(case: str, path: Path) -> None:
    """Run one case here and print its figures as JSON."""
    began = time.monotonic()
    rows = CASES[case][1](path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss: that of a child begins with its parent's.
    peak_kb = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak_kb is not None
    figures = {"s": time.monotonic() - began, "cpu_s": used.ru_utime + used.ru_stime, "mb": int(peak_kb[1]) / 1000}
    print(json.dumps({**figures, "rows": rows}))


def one(case: str, path: Path) -> dict[str, Any]:
    """What a case took in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.metrics", "--one", case, str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
    print(f"{case}: {found}", file=sys.stderr)
    return found


def at_size(folder: Path, events: int, rounds: int, *, is_asked: bool) -> list[float]:
    """Tell every case at one size, in turns; gives the seconds of all tables."""
    files = {"parquet": make_session(folder, events), "jsonl": make_stream(folder, events).bare}
    rows = [{case: one(case, files[kind]) for case, (kind, _) in CASES.items()} for _ in range(rounds)]
    seconds = {case: [row[case]["s"] for row in rows] for case in CASES}
    memory = {case: statistics.median(row[case]["mb"] for row in rows) for case in CASES}

    def beside(case: str, theirs: str, rival: str, least_ratio: float | None = None) -> Figure:
        return Figure(
            what=f"{case}, beside {rival}",
            unit="s",
            events=events,
            ours=seconds[case],
            theirs=seconds[theirs],
            rival=rival,
            least_ratio=least_ratio if is_asked else None,
            peak_mb=memory[case],
            rival_peak_mb=memory[theirs],
            said=", ".join(f"{count:,} {name}" for name, count in rows[0][case]["rows"].items()),
        )

    tell(beside("five questions in SQL", "five through read_json", "DuckDB read_json", 10))
    tell(beside("five questions in SQL", "five in polars", "polars by hand", 1))
    tell(beside("five tables", "five through read_json", "DuckDB read_json"))
    tell(beside("five tables", "five in polars", "polars by hand"))
    tell(
        Figure(
            what="all tables",
            unit="s",
            events=events,
            ours=seconds["all tables"],
            most=10 if events >= LARGEST else None,
            peak_mb=memory["all tables"],
            said=f"{len(rows[0]['all tables']['rows'])} tables",
        )
    )
    for case, most_mb in (("five questions in SQL", 500), ("five tables", None), ("all tables", 1000)):
        values = [row[case]["mb"] for row in rows]
        most = most_mb if is_asked else None
        tell(Figure(what=f"memory of {case}", unit="MB", events=events, ours=values, most=most))
    return seconds["all tables"]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("events", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("CASE", "FILE"), help="measure one case here")
    options = parser.parse_args()
    if options.one:
        measure(options.one[0], Path(options.one[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder, most = options.folder or Path(temporary), max(options.events)
        took = {n: at_size(folder, n, options.rounds, is_asked=n == most) for n in options.events}
    if len(took) > 1:
        before, last = sorted(took)[-2:]
        tell(
            Figure(
                what=f"all tables, a million of {last:,} events beside one of {before:,}",
                unit="s",
                ours=[seconds / last * 1e6 for seconds in took[last]],
                theirs=[seconds / before * 1e6 for seconds in took[before]],
                rival="itself",
                most_ratio=1.15 if last >= LARGEST else None,
            )
        )


if __name__ == "__main__":
    main()
