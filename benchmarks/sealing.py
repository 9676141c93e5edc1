"""How fast does a stream become a session, and how large is it? Beside rivals, in one run.

    python -m benchmarks.sealing [EVENTS …] [--rounds N] [--folder FOLDER]

For each number of events (100,000 if none is given) a stream is generated in FOLDER (a temporary one) and measured:
sealing of its journal, on one core and on all, beside the script that a user writes; import of its JSONL beside DuckDB
and polars; sizes beside gzip and zstd; memory.
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

from benchmarks.figure import Figure, tell
from benchmarks.generate import Stream, make_stream
from benchmarks.measure import Run, interleaved, run

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
        # Of small streams nothing is asked: they are mostly the start of processes.
        for events in options.events:
            stream = make_stream(folder, events)
            work = folder / "sealing"
            work.mkdir(exist_ok=True)
            measure(stream, work, events, options.rounds, is_asked=events == max(options.events))
            shutil.rmtree(work)


def measure(stream: Stream, folder: Path, events: int, rounds: int, *, is_asked: bool) -> None:
    """Tell all figures of a stream of so many events; what is asked of them too, if it `is_asked`."""
    session, compact = folder / "session.parquet", folder / "compact.parquet"

    def rival(name: str, source: Path, cores: int | None = None) -> Callable[[], Run]:
        command = [PYTHON, "-m", "benchmarks.rivals", name, str(source), str(folder / "rival.parquet")]
        return lambda: run(command, cores)

    def sealing(cores: int | None) -> Callable[[], Run]:
        return lambda: run(sealing_of(stream.journal, folder / "sealed.parquet"), cores)

    found = interleaved(
        rounds,
        {
            "script, one core": rival("script", stream.lines, 1),
            "seal, one core": sealing(1),
            "seal": sealing(None),
            "DuckDB": rival("duckdb_copy", stream.bare),
            "polars": rival("polars_copy", stream.bare),
            "import": lambda: run([*ARIRECORD, "import", str(stream.lines), "-o", str(session), "--force"]),
            "compact": lambda: run([*ARIRECORD, "compact", str(session), "-o", str(compact), "--force"]),
        },
    )

    def rate(what: str, name: str, rival: str = "", beside: str = "", least: float | None = None) -> None:
        tell(
            Figure(
                what=what,
                unit="events/s",
                events=events,
                ours=_rates(events, found[name]),
                theirs=_rates(events, found.get(beside, ())),
                rival=rival,
                least_ratio=least if is_asked else None,
                peak_mb=peak_mb(found[name]),
                rival_peak_mb=peak_mb(found[beside]) if beside else None,
            )
        )

    script = "orjson + from_pylist script"
    rate("seal, one core", "seal, one core", script, "script, one core", 3.5)
    rate("seal, all cores", "seal", script, "script, one core", 5)
    rate("import of JSONL", "import", "DuckDB COPY (read_json)", "DuckDB", 1.2)
    rate("import of JSONL, beside polars", "import", "polars read_ndjson", "polars")
    rate("compact", "compact")
    for figure in sizes(events, stream, session, compact, is_asked=is_asked):
        tell(figure)


def make_session(folder: Path, events: int) -> Path:
    """The session of such a stream, made once."""
    session = folder / f"{events}.parquet"
    if not session.exists():
        run(sealing_of(make_stream(folder, events).journal, session))
    return session


def sealing_of(journal: Path, session: Path) -> list[str]:
    """The command that seals a journal, which stays; at once it is where that command reads and removes it."""
    copy = session.with_name(session.name + ".journal")
    copy.unlink(missing_ok=True)
    os.link(journal, copy)
    return [*ARIRECORD, "recover", str(copy), "--force"]


def peak_mb(runs: Sequence[Run]) -> float:
    """The largest resident memory, median of rounds."""
    return statistics.median(run.peak_mb for run in runs)


def _rates(events: int, runs: Sequence[Run]) -> list[float]:
    return [events / run.wall_s for run in runs]


def sizes(events: int, stream: Stream, session: Path, compact: Path, *, is_asked: bool) -> list[Figure]:
    """Bytes an event takes in all forms."""
    frames, both = _gzipped(stream.bare) / events, _gzipped(stream.lines) / events
    zstd = _zstd(stream.lines) / events
    ours, small = session.stat().st_size / events, compact.stat().st_size / events

    def size(what: str, ours: float, rival: str, theirs: float, most: float | None = None) -> Figure:
        most = most if is_asked else None
        return Figure(
            what=what, unit="B/event", events=events, ours=[ours], theirs=[theirs], rival=rival, most_ratio=most
        )

    alone, timed, packed = "gzip −6 of frames", "gzip −6 of frames and times", "zstd −3 of frames and times"
    return [
        size("size of a session", ours, alone, frames, 1.5),
        size("size of a session, beside times too", ours, timed, both),
        size("size of a session, beside zstd", ours, packed, zstd),
        size("size of a compact session", small, alone, frames, 0.6),
        size("size of a compact session, beside times too", small, timed, both),
        size("size of a compact session, beside zstd", small, packed, zstd),
    ]


def _gzipped(path: Path) -> int:
    target = path.with_name("packed.gz")
    with path.open("rb") as source, gzip.open(target, "wb", 6) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    size = target.stat().st_size
    target.unlink()
    return size


def _zstd(path: Path) -> int:
    target = path.with_name("packed.zst")
    with path.open("rb") as source, target.open("wb") as file:
        zstandard.ZstdCompressor(3).copy_stream(source, file)
    size = target.stat().st_size
    target.unlink()
    return size


if __name__ == "__main__":
    main()
