"""How long do the tables of a long session take, and how much memory? Beside the same questions put in other ways.

    python -m benchmarks.metrics FOLDER [EVENTS …]

makes sessions of so many events in FOLDER (100,000, 1,000,000 and 10,000,000 if none is given; kept for the next run)
by telling the sample recordings again and again with other ids, names and times, and measures, each in a process of its
own: all tables; the five basic ones (durations, talk, DTMF, transfers, links); these five by hand in polars over the
same file; and by hand in DuckDB over a JSONL file of the same frames, through `read_json`. What is by hand is simpler:
it joins no calls, counts repeated frames twice and knows no gaps.
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arirecord.analytics import connect
from arirecord.analytics.models import mart_names
from arirecord.session.header import KEY
from arirecord.session.parquet import session_writer

SAMPLES = Path(__file__).parents[1] / "sample_data"
REAL = [SAMPLES / f"{name}.parquet" for name in ("busy_hour", "ivr_dtmf", "transfers", "failed_calls")]
LAP_S = 200
BASIC = ("channels", "talk", "dtmf", "transfers", "links")
# What must differ from lap to lap: uniqueids, UUIDs, and the serial numbers in channels' names.
CHANGING = r"(\b1[5-9]\d{8}\.\d+\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|/[A-Za-z0-9@._-]+-[0-9a-f]{8}\b)"
COLUMNS = """{
    type: 'VARCHAR', timestamp: 'VARCHAR', digit: 'VARCHAR', duration_ms: 'BIGINT', duration: 'BIGINT',
    cause: 'BIGINT', result: 'VARCHAR', exten: 'VARCHAR', dialstatus: 'VARCHAR',
    channel: 'STRUCT(id VARCHAR, name VARCHAR, state VARCHAR)',
    bridge: 'STRUCT(id VARCHAR, bridge_type VARCHAR, channels VARCHAR[])',
    caller: 'STRUCT(id VARCHAR)', peer: 'STRUCT(id VARCHAR)', transferee: 'STRUCT(id VARCHAR)',
    transferer_first_leg: 'STRUCT(id VARCHAR)', transfer_target: 'STRUCT(id VARCHAR)'
}"""


def make(folder: Path, events: int) -> tuple[Path, Path]:
    """The session and the JSONL file of so many events."""
    session, lines = folder / f"{events}.parquet", folder / f"{events}.jsonl"
    if not session.exists():
        make_session(session, events)
    if not lines.exists():
        make_lines(session, lines)
    return session, lines


def make_session(target: Path, events: int) -> None:
    """The recordings, lap after lap. `raw` stays as it was: no table reads it."""
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    lap = con.sql(
        "SELECT * EXCLUDE (filename) REPLACE (row_number() OVER (ORDER BY filename, seq) - 1 AS seq) "
        f"FROM read_parquet({[str(path) for path in REAL]}, union_by_name = true, filename = true) ORDER BY seq"
    ).to_arrow_table()
    header, partial = json.loads(pq.read_metadata(REAL[0]).metadata[KEY]), target.with_suffix(".partial")
    columns = [_Column(name, lap[name].combine_chunks()) for name in lap.column_names]
    with session_writer(partial, lap.schema) as writer:
        told = json.dumps({**header, "rows": events, "events": events})
        writer.add_key_value_metadata({KEY: told.encode()})
        for number in range(-(-events // lap.num_rows)):
            arrays = [column.in_lap(number, lap.num_rows) for column in columns]
            table = pa.Table.from_arrays(arrays, schema=lap.schema).slice(0, events - number * lap.num_rows)
            writer.write_table(table, row_group_size=122_880)
    partial.rename(target)


def rows_of_lap() -> int:
    """How many rows the recordings have together."""
    return sum(int(pq.read_metadata(path).num_rows) for path in REAL)


class _Column:
    """A column of the recordings, and what it is in each lap."""

    def __init__(self, name: str, values: pa.Array) -> None:
        self._name, self._values = name, values
        told = values.flatten() if pa.types.is_list(values.type) else values
        is_text = pa.types.is_string(told.type) and name not in ("kind", "type", "asterisk_id", "extra", "raw")
        self._indices = told.dictionary_encode().indices if is_text else None
        texts = told.dictionary_encode().dictionary.to_pylist() if is_text else []
        # Where the number of the lap goes into each text that has an id or a channel's name.
        self._parts = [re.sub(CHANGING, "\\1\0", text).split("\0") for text in texts]

    def in_lap(self, number: int, rows: int) -> pa.Array:
        """The column in a lap of so many rows."""
        kind = self._values.type
        if self._name in ("seq", "elapsed_ns"):
            numbers = pc.add(pa.array(range(rows), pa.int64()), number * rows)
            return numbers if self._name == "seq" else pc.multiply(numbers, LAP_S * 10**9 // rows)
        if pa.types.is_timestamp(kind):
            return pc.add(self._values, pa.scalar(timedelta(seconds=number * LAP_S), pa.duration(kind.unit)))
        if self._indices is None:
            return self._values
        suffix = _suffix(number)
        texts = pa.array([suffix.join(parts) for parts in self._parts], pa.string()).take(self._indices)
        if pa.types.is_list(kind):
            lists = self._values
            return pa.ListArray.from_arrays(lists.offsets, texts, mask=lists.is_null())
        return texts


def _suffix(number: int) -> str:
    return f"{number:04x}" if number else ""


def make_lines(session: Path, target: Path) -> None:
    """The frames, one in a line, with the ids of their lap."""
    rows = rows_of_lap()
    partial = target.with_suffix(".partial")
    changing = re.compile(CHANGING)
    with partial.open("w", encoding="utf-8") as file, pq.ParquetFile(session) as parquet:
        for batch in parquet.iter_batches(columns=["seq", "raw"]):
            for seq, raw in zip(batch["seq"].to_pylist(), batch["raw"].to_pylist(), strict=True):
                file.write(changing.sub(rf"\g<1>{_suffix(seq // rows)}", raw).replace("\n", " ") + "\n")
    partial.rename(target)


def marts(names: tuple[str, ...], session: Path) -> dict[str, int]:
    """Every row of these tables, in batches; how many each has."""
    con = connect(session, models=names)
    return {name: sum(batch.num_rows for batch in con.sql(f"FROM {name}").to_arrow_reader()) for name in names}


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
"""Columns that a session without such events lacks."""


def by_polars(session: Path) -> dict[str, int]:
    """The five questions in polars over the session."""
    events, of_type, when = pl.scan_parquet(session), pl.col("type"), pl.col("timestamp")
    known = events.collect_schema().names()
    events = events.with_columns(pl.lit(None, pl.Int64).alias(name) for name in NUMBERS if name not in known)
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


def main(folder: Path, sizes: list[int]) -> None:
    """Run every case at every size, and print them side by side."""
    for events in sizes:
        files = dict(zip(("parquet", "jsonl"), make(folder, events), strict=True))
        print(f"{events:,} events")
        basic_s = None
        for case, (kind, _) in CASES.items():
            command = [sys.executable, "-m", "benchmarks.metrics", "--one", case, str(files[kind])]
            figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            basic_s = figures["s"] if case == "five tables" else basic_s
            times = f"{figures['s'] / basic_s:6.1f} ×" if basic_s else " " * 8
            print(f"  {case:24}{figures['s']:8.2f} s {times} {figures['cpu_s']:8.2f} s of CPU {figures['mb']:7.0f} MB")
            if case != "all tables":
                print("    " + ", ".join(f"{name} {count:,}" for name, count in figures["rows"].items()))


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), [int(n.replace(",", "")) for n in sys.argv[2:]] or [100_000, 1_000_000, 10_000_000])
