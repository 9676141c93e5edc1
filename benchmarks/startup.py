"""How soon does one see something? From the start of the process, beside the start of what it cannot do without.

    python -m benchmarks.startup [EVENTS …] [--rounds N] [--folder FOLDER]

For each number of events (100,000 if none is given) a session is generated in FOLDER (a temporary one). Measured are
`arirecord --help` beside `import click`; and beside `import duckdb`, each up to what it prints first: `info`, rows of
queries, the first frame of `cat`; and the first frame that a client of `replay` gets, from the start of both.
"""

import argparse
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figure import Figure, tell
from benchmarks.measure import Run, interleaved, run
from benchmarks.replay import ALL, open_websocket, replaying
from benchmarks.sealing import ARIRECORD, PYTHON, make_session

BEYOND_S = 0.3


def first_frame(session: Path) -> Run:
    """From the start of a replay to the first bytes of a frame at a client that connects as soon as it can."""
    began = time.perf_counter()
    with replaying(str(session), "--speed", "max") as (_, port), open_websocket(port, ALL) as client:
        client.recv(1, socket.MSG_PEEK)
        return Run(time.perf_counter() - began, 0, 0)


def first_line(command: list[str]) -> Run:
    """From the start of a command to the first bytes that it prints."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if not process.stdout.read(1):
            raise RuntimeError(f"{command} printed nothing")
        took_s = time.perf_counter() - began
        process.kill()
    return Run(took_s, 0, 0)


def tell_help(rounds: int) -> None:
    """The help text, which needs nothing of a session."""
    found = interleaved(
        rounds, {"click": lambda: run([PYTHON, "-c", "import click"]), "help": lambda: run([*ARIRECORD, "--help"])}
    )
    ours, theirs = _seconds(found["help"]), _seconds(found["click"])
    rival = 'python -c "import click"'
    tell(Figure(what="arirecord --help", unit="s", ours=ours, theirs=theirs, rival=rival, most_ratio=2.5))


def tell_looks(session: Path, events: int, rounds: int) -> None:
    """What is seen first of a session."""
    query = [*ARIRECORD, "query", str(session)]
    looks: dict[str, Callable[[], Run]] = {
        "import duckdb": lambda: first_line([PYTHON, "-c", "import duckdb; print()"]),
        "arirecord info": lambda: first_line([*ARIRECORD, "info", str(session)]),
        "five rows of some columns of events": lambda: first_line(
            [*query, "SELECT seq, received_at, type, channel_id FROM events LIMIT 5"]
        ),
        "ten rows of all columns of Dial": lambda: first_line([*query, "SELECT * FROM Dial LIMIT 10"]),
        "first frame of cat": lambda: first_line([*ARIRECORD, "cat", str(session)]),
        "first replayed frame": lambda: first_frame(session),
    }
    found = interleaved(rounds, looks)
    for what in list(looks)[1:]:
        tell(
            Figure(
                what=what,
                unit="s",
                events=events,
                ours=_seconds(found[what]),
                theirs=_seconds(found["import duckdb"]),
                rival='python -c "import duckdb"',
                most_more=BEYOND_S,
            )
        )


def _seconds(runs: list[Run]) -> list[float]:
    return [run.wall_s for run in runs]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("events", type=int, nargs="*", default=[100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    tell_help(options.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        for events in options.events:
            tell_looks(make_session(options.folder or Path(temporary), events), events, options.rounds)


if __name__ == "__main__":
    main()
