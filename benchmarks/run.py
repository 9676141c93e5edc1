"""Measure everything beside its rivals and write `docs/performance.md`.

    python -m benchmarks.run [--full] [--only PART]… [--folder FOLDER] [--page]

Without --full the sizes are those of a look, ten minutes; with it 10 thousand, 1 million and 10 million events, half
an hour and 20 GB of disk. What was measured is kept in `docs/performance.json`: parts that are not run stay as they
are. What can't be measured here (no C compiler, no Asterisk) is said on the page. Streams are generated in FOLDER and
kept there, else in the system's temporary folder (TMPDIR) and removed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.measure import describe_machine
from benchmarks.page import Measured, load, page, save

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Part:
    """Commands that tell figures; `{folder}` in them is where streams are."""

    name: str
    title: str
    look: Sequence[str]
    full: Sequence[str]
    tiny: Sequence[str]


PARTS = [
    Part(
        "capture",
        "From a socket to the journal",
        ["capture 100000 3", "steady 3500 10", "kill 10", "soak 60", "tap 5"],
        ["capture 300000 5", "steady 3500 30", "kill 50", "soak 600", "tap 10"],
        ["capture 1000 1", "steady 200 1", "kill 1", "soak 3 200", "tap 1"],
    ),
    Part("asterisk", "Recorders killed at a real Asterisk", ["kill_asterisk 20"], ["kill_asterisk 200"], []),
    Part(
        "sealing",
        "Journal and JSONL to a session, and its size",
        ["sealing 10000 300000 --rounds 3 --folder {folder}"],
        ["sealing 10000 1000000 --rounds 2 --folder {folder}"],
        ["sealing 1000 --rounds 1 --folder {folder}"],
    ),
    Part(
        "memory",
        "Memory and speed of short and long recordings",
        ["memory 300000 1000000 --folder {folder}"],
        ["memory 1000000 10000000 --folder {folder}"],
        ["memory 500 1000 --folder {folder}"],
    ),
    Part(
        "replay",
        "Replay: lateness, speed, memory",
        [
            "replay late --rounds 1",
            "replay fast --rounds 2",
            "replay long --rounds 3 --events 1000000 --folder {folder}",
        ],
        [
            "replay late --rounds 3",
            "replay fast --rounds 3",
            "replay long --rounds 3 --events 10000000 --folder {folder}",
        ],
        ["replay late --rounds 1 --seconds 0.2", "replay fast --rounds 1 --passes 1", "replay long --rounds 1"],
    ),
    Part(
        "metrics",
        "Tables",
        ["metrics 10000 300000 1000000 --rounds 3 --folder {folder}"],
        ["metrics 10000 1000000 10000000 --rounds 3 --folder {folder}"],
        ["metrics 500 1000 --rounds 1 --folder {folder}"],
    ),
    Part(
        "startup",
        "Time to first output",
        ["startup 10000 1000000 --rounds 5 --folder {folder}"],
        ["startup 10000 1000000 10000000 --rounds 7 --folder {folder}"],
        ["startup 1000 --rounds 1 --folder {folder}"],
    ),
]


def main() -> None:
    """The command."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="the sizes of the published page")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that everything runs")
    parser.add_argument("--only", action="append", choices=names, help="this part; again for more")
    parser.add_argument("--folder", type=Path, help="where streams are generated, and kept")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page; what was measured is kept beside it")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page again")
    options = parser.parse_args()
    kept = options.output.with_suffix(".json")
    measured = load(kept)
    size = "full" if options.full else "tiny" if options.tiny else "look"
    wanted = [] if options.page else [part for part in PARTS if not options.only or part.name in options.only]
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        _write(options.output, measured)
        for part in wanted:
            measured[part.name] = _measure(part, getattr(part, size), Path(folder))
            save(kept, [measured[name] for name in names if name in measured])
            _write(options.output, measured)
    if any(measured[part.name].failed for part in wanted):
        raise SystemExit(1)


def _write(path: Path, measured: dict[str, Measured]) -> None:
    notes = (ROOT / "benchmarks" / "notes.md").read_text("utf-8")
    path.write_text(page({part.name: part.title for part in PARTS}, measured, notes), "utf-8")


def _measure(part: Part, commands: Sequence[str], folder: Path) -> Measured:
    figures: list[Figure] = []
    failed = []
    for command in commands:
        bench, *arguments = command.format(folder=folder).split()
        print(f"\n{datetime.now(UTC):%H:%M:%S} {part.name}: {command}", file=sys.stderr)
        if bench == "kill_asterisk" and (why := _no_asterisk()):
            figures.append(Figure(what="kill -9 at a real Asterisk", unit="ms", skipped=why, most=20))
            continue
        began = time.monotonic()
        line = [sys.executable, "-m", f"benchmarks.{bench}", *arguments]
        done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        figures += [Figure.load(json.loads(text)) for text in done.stdout.splitlines()]
        for figure in figures:
            print(figure, file=sys.stderr)
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
        if done.returncode:
            failed.append(f"`{command}` ended with {done.returncode}")
    told = [f"benchmarks.{command}".format(folder="FOLDER") for command in commands]
    return Measured(part.name, f"{datetime.now(UTC):%Y-%m-%d}", describe_machine(), told, figures, failed)


def _no_asterisk() -> str:
    """Why no Asterisk can be used; empty if one can."""
    if os.environ.get("ARIRECORD_TEST_ASTERISK") != "1":
        return "it installs a real Asterisk only if ARIRECORD_TEST_ASTERISK=1 is set"
    if os.geteuid():
        return "it needs root"
    return "" if shutil.which("apt-get") else "it needs Debian"


if __name__ == "__main__":
    main()
