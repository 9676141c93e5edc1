"""How long do the tables of a long session take, and how much memory? Beside the same questions put in other ways.

    python -m benchmarks.metrics [EVENTS …] [--rounds N] [--folder FOLDER]

takes sessions of so many events (100,000 if none is given) made of generated streams in FOLDER (a temporary one), and
measures, each in a process of its own, in turns: all tables; the five basic ones (durations, talk, DTMF, transfers,
links); these five by hand in polars over the same file; and by hand in DuckDB over a JSONL file of the same frames,
through `read_json`. What is by hand is simpler: it joins no calls, counts repeated frames twice and knows no gaps.
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
    con.execute(
        f"CREATE VIEW events AS SELECT *, timestamp[:23]::TIMESTAMP AS happened_at, row_number() OVER () AS seq "
        f"FROM read_json('{lines}', format = 'newline_delimited', columns = {COLUMNS}, maximum_object_size = 1000000)"
    )
    return {name: sum(batch.num_rows for batch in con.sql(sql).to_arrow_reader()) for name, sql in QUESTIONS.items()}


QUESTIONS = {
    "channels": """
        SELECT channel.id, min(happened_at) FILTER (type = 'ChannelCreated') AS created_at,
            min(happened_at) FILTER (type = 'ChannelStateChange' AND channel.state = 'Up') AS answered_at,
            min(happened_at) FILTER (type = 'ChannelDestroyed') AS ended_at, max(cause) AS cause
        FROM events WHERE type IN ('ChannelCreated', 'ChannelStateChange', 'ChannelDestroyed') GROUP BY ALL""",
    "talk": """
        WITH steps AS (
            SELECT channel.id AS id, type, happened_at, duration,
                lead(happened_at) OVER (PARTITION BY channel.id, bridge.id ORDER BY seq) AS next_at
            FROM events
            WHERE (type IN ('ChannelEnteredBridge', 'ChannelLeftBridge') AND bridge.bridge_type <> 'holding')
                OR type = 'ChannelTalkingFinished'
        )
        SELECT id, sum(epoch_ms(next_at) - epoch_ms(happened_at)) FILTER (type = 'ChannelEnteredBridge') AS talk_ms,
            sum(duration) AS spoken_ms
        FROM steps GROUP BY id""",
    "dtmf": """
        WITH gaps AS (
            SELECT channel.id AS id, seq, digit, happened_at, happened_at - to_milliseconds(duration_ms)
                - lag(happened_at) OVER (PARTITION BY channel.id ORDER BY seq) AS gap
            FROM events WHERE type = 'ChannelDtmfReceived'
        ), numbered AS (
            SELECT *, count(*) FILTER (gap IS NULL OR gap > INTERVAL 3 SECOND)
                OVER (PARTITION BY id ORDER BY seq) AS sequence
            FROM gaps
        )
        SELECT id, sequence, string_agg(digit, '' ORDER BY seq) AS digits, min(happened_at), max(happened_at)
        FROM numbered GROUP BY id, sequence""",
    "transfers": """
        SELECT happened_at, type, result, exten, channel.id AS transferer, transferer_first_leg.id AS first_leg,
            transferee.id AS transferee, transfer_target.id AS target
        FROM events WHERE type IN ('BridgeBlindTransfer', 'BridgeAttendedTransfer')""",
    "links": """
        SELECT id, other, min(seq) AS first_seq FROM (
            SELECT peer.id AS id, caller.id AS other, seq FROM events WHERE type = 'Dial'
            UNION ALL
            SELECT channel.id, unnest(bridge.channels), seq FROM events
            WHERE type IN ('ChannelEnteredBridge', 'ChannelLeftBridge') AND bridge.bridge_type <> 'holding'
            UNION ALL
            SELECT transferee.id, COALESCE(channel.id, transferer_first_leg.id), seq FROM events
            WHERE type IN ('BridgeBlindTransfer', 'BridgeAttendedTransfer')
        ) WHERE id <> other GROUP BY id, other""",
}


NUMBERS = ("cause", "duration", "duration_ms")
TEXTS = ("digit", "result", "bridge_id", "bridge_bridge_type", "channel_state", "peer_id", "caller_id", "transferee_id")
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
        moved.select("seq", id="transferee_id", other="channel_id"),
    ]
    links = pl.concat(pairs).filter(pl.col("id") != pl.col("other")).group_by("id", "other").agg(pl.col("seq").min())
    frames = {"channels": channels, "talk": talk, "dtmf": dtmf, "transfers": transfers, "links": links}
    return {name: frame.collect(engine="streaming").height for name, frame in frames.items()}


CASES: dict[str, tuple[str, Callable[[Path], dict[str, int]]]] = {
    "all tables": ("parquet", lambda path: marts(tuple(mart_names()), path)),
    "five tables": ("parquet", lambda path: marts(BASIC, path)),
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
    found = rows[0]["five tables"]["rows"]

    def five(what: str, case: str, rival: str, least_ratio: float | None) -> Figure:
        return Figure(
            what=what,
            unit="s",
            events=events,
            ours=seconds["five tables"],
            theirs=seconds[case],
            rival=rival,
            least_ratio=least_ratio if is_asked else None,
            peak_mb=memory["five tables"],
            rival_peak_mb=memory[case],
            said=", ".join(f"{count:,} {name}" for name, count in found.items()),
        )

    tell(five("five basic tables", "five through read_json", "DuckDB read_json", 10))
    tell(five("five basic tables, beside polars", "five in polars", "polars by hand", 1))
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
    for case, most_mb in (("five tables", 500), ("all tables", 1000)):
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
