"""How fast does a stream become a session, how large is it, how soon can one look at it? Beside rivals, in one run.

    python -m benchmarks.sealing [EVENTS …] [--rounds N] [--folder FOLDER]

For each number of events (100,000 if none is given) a stream is generated in FOLDER (a temporary one) and measured:
sealing of its journal, on one core and on all, beside the script that a user writes; import of its JSONL beside DuckDB
and polars; sizes beside gzip and zstd; memory; and, of the last, the time to look at it.
"""

import argparse
import gzip
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard

from benchmarks.generate import frames, make_journal, write_jsonl
from benchmarks.measure import Run, interleaved, ratio, run

PYTHON = sys.executable
ARIRECORD = [PYTHON, "-m", "arirecord"]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("events", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for events in options.events:
            measure(folder, events, options.rounds)


def measure(folder: Path, events: int, rounds: int) -> None:
    """Print all figures of a stream of so many events."""
    lines, bare, journal = folder / "stream.jsonl", folder / "bare.jsonl", folder / "stream.journal"
    session, compact = folder / "session.parquet", folder / "compact.parquet"
    write_jsonl(lines, events)
    with bare.open("w", encoding="utf-8") as file:
        file.writelines(text + "\n" for _, text in frames(events))
    journal.unlink(missing_ok=True)
    make_journal(journal, events)

    def sealing(cores: int | None) -> Callable[[], Run]:
        def go() -> Run:
            copy = folder / "session.parquet.journal"
            copy.unlink(missing_ok=True)
            os.link(journal, copy)
            return run([*ARIRECORD, "recover", str(copy), "--force"], cores)

        return go

    def rival(name: str, source: Path) -> Callable[[], Run]:
        return lambda: run([PYTHON, "-m", "benchmarks.rivals", name, str(source), str(folder / "rival.parquet")])

    importing = [*ARIRECORD, "import", str(lines), "-o", str(session), "--force"]
    compacting = [*ARIRECORD, "compact", str(session), "-o", str(compact), "--force"]
    found = interleaved(
        rounds,
        {
            "script, one core": lambda: run(
                [PYTHON, "-m", "benchmarks.rivals", "script", str(lines), str(folder / "rival.parquet")], 1
            ),
            "seal, one core": sealing(1),
            "seal": sealing(None),
            "DuckDB COPY (read_json)": rival("duckdb_copy", bare),
            "polars read_ndjson": rival("polars_copy", bare),
            "import": lambda: run(importing),
            "compact": lambda: run(compacting),
        },
    )
    print(f"\n{events:,} events, {rounds} rounds\n")
    _speeds(events, found)
    _sizes(events, lines, bare, session, compact)
    _looks(session, rounds)


def _speeds(events: int, found: dict[str, list[Run]]) -> None:
    beside = {"seal, one core": "script, one core", "seal": "script, one core", "import": "DuckDB COPY (read_json)"}
    print(f"{'':24} {'events/s':>10} {'per CPU s':>10} {'peak MB':>8}   ratio of time (spread), of CPU time")
    for name, runs in found.items():
        wall, cpu = (statistics.median(events / value for value in values) for values in _times(runs))
        peak = statistics.median(r.peak_mb for r in runs)
        text = f"{name:24} {wall:>10,.0f} {cpu:>10,.0f} {peak:>8,.0f}"
        if name in beside:
            (ours, ours_cpu), (theirs, theirs_cpu) = _times(runs), _times(found[beside[name]])
            text += f"   {ratio(ours, theirs)}, {ratio(ours_cpu, theirs_cpu)} × {beside[name]}"
        print(text)


def _times(runs: Sequence[Run]) -> tuple[list[float], list[float]]:
    return [r.wall_s for r in runs], [r.cpu_s for r in runs]


def _sizes(events: int, lines: Path, bare: Path, session: Path, compact: Path) -> None:
    sizes = {
        "frames alone": bare.stat().st_size,
        "frames alone, gzip -6": _gzipped(bare),
        "frames and times, gzip -6": _gzipped(lines),
        "frames and times, zstd -3": _zstd(lines),
        "session with raw": session.stat().st_size,
        "compact session": compact.stat().st_size,
    }
    print(f"\n{'':26} {'B/event':>8}   × gzip of frames alone, × gzip of frames and times")
    alone, timed = sizes["frames alone, gzip -6"], sizes["frames and times, gzip -6"]
    for name, size in sizes.items():
        print(f"{name:26} {size / events:>8.1f}   {size / alone:.2f}, {size / timed:.2f}")


def _gzipped(path: Path) -> int:
    target = path.with_name("packed.gz")
    with path.open("rb") as source, gzip.open(target, "wb", 6) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return target.stat().st_size


def _zstd(path: Path) -> int:
    target = path.with_name("packed.zst")
    with path.open("rb") as source, target.open("wb") as file:
        zstandard.ZstdCompressor(3).copy_stream(source, file)
    return target.stat().st_size


def _looks(session: Path, rounds: int) -> None:
    name = str(session)
    found = interleaved(
        rounds + 2,
        {
            "import click": lambda: run([PYTHON, "-c", "import click"]),
            "import duckdb": lambda: run([PYTHON, "-c", "import duckdb"]),
            "arirecord --help": lambda: run([*ARIRECORD, "--help"]),
            "info": lambda: run([*ARIRECORD, "info", name]),
            "first rows of a query": lambda: run([*ARIRECORD, "query", name, "SELECT * FROM Dial LIMIT 10"]),
            "first frame of cat": lambda: run(["sh", "-c", f'"{PYTHON}" -m arirecord cat "{name}" | head -1']),
        },
    )
    wall = {what: statistics.median(r.wall_s for r in runs) for what, runs in found.items()}
    print(f"\n{'':24} {'seconds':>8}   beyond import duckdb, × import click")
    for what, seconds in wall.items():
        print(
            f"{what:24} {seconds:>8.3f}   {seconds - wall['import duckdb']:+.3f}, {seconds / wall['import click']:.2f}"
        )


if __name__ == "__main__":
    main()
