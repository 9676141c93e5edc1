"""Requests and bytes of questions to a session in an object store: moto's S3 server on loopback, which counts them.

    python -m benchmarks.object_store [EVENTS] [--rounds N] [--folder FOLDER]

A session of EVENTS (121,000) is generated in FOLDER (a temporary one) and put into a lake in the store. Measured are
`calls`, again with 8 threads in each of N rounds and compared with the answer from the disk; ten seconds of `cat`; and
a replay from the middle, up to its first frame.
"""

import argparse
import socket
import subprocess
import tempfile
from contextlib import nullcontext
from pathlib import Path

from arirecord.analytics.connection import Tables
from arirecord.lake.ingest import ingest
from arirecord.session.reader import open_session
from benchmarks.figure import Figure, tell
from benchmarks.replay import ALL, open_websocket, replaying
from benchmarks.sealing import ARIRECORD, make_session
from tests.lake.object_server import ObjectServer, object_server


def tell_reads(server: ObjectServer, what: str, size: int, requests: float, part: float) -> None:
    """What a question took: requests, and its part of the bytes of the lake."""
    taken = sum(request.size for request in server.requests)
    tell(Figure(what=what, unit="requests", ours=[len(server.requests)], most=requests))
    tell(Figure(what=what, unit="of the bytes", ours=[taken / size], most=part, said=f"{taken / 1e6:.2f} MB"))
    server.forget()


def wrong_answers(session: Path, lake: Path, rounds: int) -> int:
    """How many of the rounds gave another table of calls than the file."""
    query = "SELECT calls::VARCHAR FROM calls ORDER BY ALL"
    expected = Tables(open_session(session)).sql(query)
    assert expected is not None
    rows = expected.fetchall()
    wrong = 0
    for _ in range(rounds):
        tables = Tables(open_session(lake))
        tables.limit(8, "700MB")
        answer = tables.sql(query)
        wrong += answer is None or answer.fetchall() != rows
        tables.connection.close()
    return wrong


def main() -> None:
    """Generate, ask, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("events", type=int, nargs="?", default=121_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with (
        nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder,
        object_server() as server,
    ):
        session, lake = make_session(Path(folder), options.events), server.path("lake")
        ingest([session], lake)
        size = sum(path.stat().st_size for path in lake.rglob("*.parquet"))
        header = open_session(lake).header
        server.forget()
        subprocess.run([*ARIRECORD, "calls", str(lake)], stdout=subprocess.DEVNULL, check=True)
        tell_reads(server, "calls", size, 60, 0.7)
        middle_s = header.duration_ns // 2 * 10**-9
        window = ["--since", f"+{middle_s:.0f}s", "--until", f"+{middle_s + 10:.0f}s"]
        subprocess.run([*ARIRECORD, "cat", str(lake), *window], stdout=subprocess.DEVNULL, check=True)
        tell_reads(server, "ten seconds of cat", size, 20, 1)
        with (
            replaying(str(lake), "--start", f"+{middle_s:.0f}s") as (_, port),
            open_websocket(port, ALL) as client,
        ):
            client.recv(1, socket.MSG_PEEK)
        tell_reads(server, "replay from the middle", size, 20, 1)
        wrong = wrong_answers(session, lake, options.rounds)
        tell(Figure(what=f"wrong of {options.rounds} rounds with 8 threads", unit="rounds", ours=[wrong], most=0))


if __name__ == "__main__":
    main()
