"""Does memory stay the same, however long the recording? Each verb on a shorter and on a longer one.

    python -m benchmarks.memory [SHORTER LONGER] [--folder FOLDER]

Streams of so many events (300,000 and 1,000,000 if nothing is given) are generated in FOLDER (a temporary one). Told
are the largest resident memory of `capture` (with the sealing at its end), `recover` (sealing alone), `import`,
`replay` and `compact`, and how many events a second each of them had.
"""

import argparse
import multiprocessing
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from arirecord.session.rows import END_OF_RECORDING
from benchmarks.capture import send
from benchmarks.figure import Figure, tell
from benchmarks.generate import Stream, make_stream
from benchmarks.measure import Run, run
from benchmarks.replay import ALL, open_websocket, replaying
from benchmarks.sealing import ARIRECORD, make_session, sealing_of

FLAT = 1.1
"""So many times the shorter one's memory is the same: what a run takes differs by a few parts of a hundred."""


def capture(events: int, folder: Path) -> Run:
    """The command, at a fast sender that ends after so many frames."""
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    sender = multiprocessing.Process(target=send, args=(ports, events), daemon=True)
    sender.start()
    url = f"http://127.0.0.1:{ports.get()}/ari"
    options = ["--url", url, "-o", str(folder / "captured.parquet"), "--force"]
    try:
        return run([*ARIRECORD, "capture", *options])
    finally:
        sender.terminate()
        sender.join()


def replay(session: Path) -> Run:
    """The command, at a client that reads all of it."""
    options = ("--speed", "max", "--at-end", "close")
    with replaying(str(session), *options) as (process, port), open_websocket(port, ALL) as client:
        began, buffer, tail = time.perf_counter(), bytearray(1 << 20), b""
        while END_OF_RECORDING.encode() not in tail:
            count = client.recv_into(buffer)
            assert count, "it broke off"
            tail = (tail + buffer[max(count - 100, 0) : count])[-100:]
        took_s = time.perf_counter() - began
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        assert found is not None
        return Run(took_s, 0, int(found[1]) / 1024)


def of_verbs(stream: Stream, session: Path, events: int, folder: Path) -> dict[str, Run]:
    """What every verb took."""
    verbs: dict[str, Callable[[], Run]] = {
        "capture": lambda: capture(events, folder),
        "seal": lambda: run(sealing_of(stream.journal, folder / "sealed.parquet")),
        "import": lambda: run(
            [*ARIRECORD, "import", str(stream.lines), "-o", str(folder / "imported.parquet"), "--force"]
        ),
        "replay": lambda: replay(session),
        "compact": lambda: run([*ARIRECORD, "compact", str(session), "-o", str(folder / "compact.parquet"), "--force"]),
    }
    found = {}
    for verb, go in verbs.items():
        print(f"{verb}, {events:,} events", file=sys.stderr)
        found[verb] = go()
        for path in folder.iterdir():
            path.unlink()
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("events", type=int, nargs="*", default=[300_000, 1_000_000])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    shorter, longer = min(options.events), max(options.events)
    found: dict[int, dict[str, Run]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for events in (shorter, longer):
            work = folder / "memory"
            work.mkdir(exist_ok=True)
            found[events] = of_verbs(make_stream(folder, events), make_session(folder, events), events, work)
            shutil.rmtree(work)
    for verb in found[longer]:
        tell(
            Figure(
                what=f"memory of {verb}",
                unit="MB",
                events=longer,
                ours=[found[longer][verb].peak_mb],
                theirs=[found[shorter][verb].peak_mb],
                rival=f"itself, {shorter:,} events",
                most_ratio=FLAT,
            )
        )
        for events, runs in found.items():
            ours, peak = [events / runs[verb].wall_s], runs[verb].peak_mb
            tell(Figure(what=f"{verb}, once", unit="events/s", events=events, ours=ours, peak_mb=peak))


if __name__ == "__main__":
    main()
