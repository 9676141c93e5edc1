"""Run the benches one after the other and write what they print to `docs/performance.md`.

    python -m benchmarks.run [--full] [NAME …]

Without names all are run. `--full` takes the sizes of the published page (10 thousand, 1 and 10 million events; an
hour and 40 GB of disk) instead of those of a look (two minutes). What a bench said before stays on the page where it
is not run.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import describe_machine

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Bench:
    """A command that prints its figures: `{folder}` in it is a folder to work in. `about` stands above them."""

    name: str
    about: str
    look: str
    full: str


BENCHES = [
    Bench(
        "sealing",
        "Journal and JSONL to session, sizes, first looks",
        "-m benchmarks.sealing 50000 --rounds 2 --folder {folder}",
        "-m benchmarks.sealing 10000 1000000 10000000 --rounds 3 --folder {folder}",
    ),
    Bench(
        "capture",
        "Frames from a socket to the journal",
        "benchmarks/capture.py 50000 3",
        "benchmarks/capture.py 300000 5",
    ),
    Bench("replay", "Frames a second, and lateness", "benchmarks/replay.py fast 1", "benchmarks/replay.py"),
    Bench(
        "metrics",
        "Tables of a long session",
        "-m benchmarks.metrics {folder} 100000",
        "-m benchmarks.metrics {folder} 100000 1000000 10000000",
    ),
]
HEAD = """# How fast, how small

Every figure stands beside what one would use instead, measured in the same run, in turns, on the same machine.
`make bench` measures again and writes this page; `make bench ARGS=--full` takes the full sizes and an hour,
`make bench ARGS=sealing` runs one part. Streams are told on and on from a real recording with new ids, numbers and
times; `python -m benchmarks.generate --check` holds them against the real one: size and types of frames, repetition of
snapshots, what is left after compression. Other work on the machine shows in all figures, least in the ratios.
"""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(bench.name for bench in BENCHES))
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.names) - {bench.name for bench in BENCHES}:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    parts = _parts(PAGE.read_text() if PAGE.exists() else "")
    for bench in BENCHES:
        if not options.names or bench.name in options.names:
            parts[bench.name] = _measure(bench, bench.full if options.full else bench.look)
            PAGE.write_text(HEAD + "".join(parts[b.name] for b in BENCHES if b.name in parts) + _notes())


def _measure(bench: Bench, arguments: str) -> str:
    print(f"{bench.name}: {arguments}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *arguments.format(folder=folder).split()]
        said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    shown = arguments.format(folder="FOLDER")
    when = f"{datetime.now(UTC):%Y-%m-%d}, {describe_machine()}"
    return f"\n## {bench.about}\n\n`python {shown}` ({when})\n\n```text\n{said.strip()}\n```\n<!-- {bench.name} -->\n"


def _parts(page: str) -> dict[str, str]:
    """The parts of the page as they are, by name."""
    return {found[2]: found[1] for found in re.finditer(r"(\n## [^\0]*?<!-- (\w+) -->\n)", page)}


def _notes() -> str:
    notes = ROOT / "benchmarks" / "notes.md"
    return "\n" + notes.read_text() if notes.exists() else ""


if __name__ == "__main__":
    main()
