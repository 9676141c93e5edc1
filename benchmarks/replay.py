"""How late, how fast, how large is a replay? The real command beside rivals, in one run, round after round.

    python -m benchmarks.replay [late|fast|long] [--rounds N] [--events N] [--folder FOLDER]

`late`: lateness at the client, p50/p99/max in ms, at speed 1, 10 and 100, of `arirecord replay`; of a C program that
writes ready-made frames after `clock_nanosleep`, those that are due together in one write (the limit; needs `cc`); of
the usual script that sleeps between sends.
`fast`: frames a second to one client at `--speed max`, beside a stock `ws.send` loop; to ten clients at once; resident
memory on the way. `long`: the first event of, and a seek in, a session, which may be of ten million events.

On a machine that does other work too, `chrt --rr 10 python -m benchmarks.replay` gives all rivals alike precedence.

The client is a process of its own that only reads the socket and the clock. Lateness is measured from the schedule that
fits the earliest of all frames, so that no constant delay of the first one makes the others look good.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from arirecord.session.reader import Frame, open_session
from benchmarks.figure import Figure, tell
from benchmarks.sealing import make_session

SAMPLE = Path(__file__).parents[1] / "sample_data" / "peak_load.parquet"
ALL = "app=recorder&subscribeAll=true"
SPEEDS = {1: 0.5, 10: 0.5, 100: 1.0}
"""Each with the ms that frames may be late at the 99th percentile."""
C_SENDER = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
int main(int argc, char **argv) {
    FILE *file = fopen(argv[1], "rb");
    int to = atoi(argv[2]);
    struct stat size;
    fstat(fileno(file), &size);
    char *at = malloc(size.st_size), *end = at + size.st_size, *out = malloc(size.st_size);
    if (fread(at, size.st_size, 1, file) != 1) return 1;
    int64_t begin = now();
    while (at < end) {
        int64_t wake = begin + ((int64_t *)at)[0], count = 0, latest;
        struct timespec due = {wake / 1000000000, wake % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL)) {}
        latest = now() - begin;
        while (at < end && ((int64_t *)at)[0] <= latest && count < 1 << 20) {
            int64_t length = ((int64_t *)at)[1];
            for (int64_t i = 0; i < length; i++) out[count + i] = at[16 + i];
            count += length;
            at += 16 + (length + 7) / 8 * 8;
        }
        for (int64_t done = 0, n; done < count; done += n)
            if ((n = write(to, out + done, count - done)) <= 0) return 1;
    }
    return 0;
}
"""
"""Writes a frame when it is due, together with all others that are due by then, so that it never falls behind."""


def open_websocket(port: int, query: str) -> socket.socket:
    """A WebSocket, by hand: what comes over it is then read from the socket."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    key = b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /ari/events?{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def sizes(frames: Sequence[Frame]) -> list[int]:
    """How long each frame is on the wire."""
    lengths = [len(frame.raw.encode()) for frame in frames]
    return [n + (2 if n < 126 else 4 if n < 65536 else 10) for n in lengths]


def framed(text: str) -> bytes:
    """A text as a WebSocket frame."""
    data = text.encode()
    size = len(data)
    return (b"\x81" + bytes([size]) if size < 126 else b"\x81\x7e" + size.to_bytes(2)) + data


def hear(port: int, query: str, total: int, result: Any) -> None:
    """Read so many bytes, as a process of its own; gives when, and how many there were by then."""
    with open_websocket(port, query) as connection:
        seen, marks = 0, []
        buffer = bytearray(1 << 20)
        while seen < total and (count := connection.recv_into(buffer)):
            seen += count
            marks.append((time.monotonic_ns(), seen))
    result.send(marks)


def lateness_ms(frames: Sequence[Frame], marks: Sequence[tuple[int, int]], speed: float) -> list[float]:
    """How late each frame was complete at the client."""
    arrived, position, end = [], 0, 0
    for size in sizes(frames):
        end += size
        while marks[position][1] < end:
            position += 1
        arrived.append(marks[position][0])
    after = [t - (f.elapsed_ns - frames[0].elapsed_ns) / speed for t, f in zip(arrived, frames, strict=True)]
    earliest = min(after)
    return sorted((t - earliest) / 1e6 for t in after)


@contextmanager
def replaying(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The real command, and its port."""
    command = [sys.executable, "-m", "arirecord", "replay", *options, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while (found := re.search(r"ws://127\.0\.0\.1:(\d+)/", line := process.stderr.readline())) is None:
            assert line, "it has ended"
        try:
            yield process, int(found[1])
        finally:
            process.kill()


def heard(port: int, total: int, query: str = ALL) -> list[tuple[int, int]]:
    """What a client of its own process heard."""
    ours, theirs = multiprocessing.Pipe()
    client = multiprocessing.Process(target=hear, args=(port, query, total, theirs))
    client.start()
    marks: list[tuple[int, int]] = ours.recv()
    client.join()
    return marks


def of_arirecord(frames: Sequence[Frame], speed: float) -> list[tuple[int, int]]:
    """Heard from the command."""
    with replaying(str(SAMPLE), "--speed", str(speed)) as (_, port):
        return heard(port, sum(sizes(frames)))


def of_c(frames: Sequence[Frame], speed: float) -> list[tuple[int, int]]:
    """Heard from the C program, to which a Python one gives the socket after the handshake."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        source, program, data = (Path(folder) / name for name in ("s.c", "s", "frames"))
        source.write_text(C_SENDER)
        subprocess.run(["cc", "-O2", "-o", program, source], check=True)
        with data.open("wb") as file:
            for frame in frames:
                due_ns = int((frame.elapsed_ns - frames[0].elapsed_ns) / speed)
                text = framed(frame.raw)
                padding = bytes(-len(text) % 8)
                file.write(due_ns.to_bytes(8, "little") + len(text).to_bytes(8, "little") + text + padding)
        ours, theirs = multiprocessing.Pipe()
        port = server.getsockname()[1]
        client = multiprocessing.Process(target=hear, args=(port, "app=x", sum(sizes(frames)), theirs))
        client.start()
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", connection.recv(65536))
            assert key
            accept = b64encode(sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            connection.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            fd = connection.fileno()
            with subprocess.Popen([program, data, str(fd)], pass_fds=[fd]):
                marks: list[tuple[int, int]] = ours.recv()
        client.join()
        return marks


def script(frames: Sequence[Frame], speed: float | None, port: Any) -> None:
    """The usual script: sleep between sends, or with no speed send in a loop."""

    async def take(connection: ServerConnection) -> None:
        before = frames[0].elapsed_ns
        for frame in frames:
            if speed is not None:
                await asyncio.sleep((frame.elapsed_ns - before) / 1e9 / speed)
                before = frame.elapsed_ns
            await connection.send(frame.raw)

    async def main() -> None:
        async with serve(take, "127.0.0.1", 0, compression=None) as server:
            port.send(server.sockets[0].getsockname()[1])
            await asyncio.Event().wait()

    asyncio.run(main())


def of_script(frames: Sequence[Frame], speed: float | None) -> list[tuple[int, int]]:
    """Heard from the usual script."""
    ours, theirs = multiprocessing.Pipe()
    sender = multiprocessing.Process(target=script, args=(frames, speed, theirs))
    sender.start()
    try:
        return heard(ours.recv(), sum(sizes(frames)))
    finally:
        sender.kill()
        sender.join()


def late(rounds: int, seconds: float) -> None:
    """Lateness, rivals one after the other in each round, each so long at most; the median of the rounds."""
    rivals: dict[str, Callable[[Sequence[Frame], float], list[tuple[int, int]]]] = {"arirecord": of_arirecord}
    if shutil.which("cc"):
        rivals["C, clock_nanosleep"] = of_c
    else:
        tell(Figure(what="lateness beside C", unit="ms", skipped="there is no C compiler (cc)"))
    rivals["asyncio.sleep, ws.send"] = of_script
    everything = list(open_session(SAMPLE).frames())
    for speed, most in SPEEDS.items():
        until_ns = everything[0].elapsed_ns + seconds * speed * 1e9
        frames = [frame for frame in everything if frame.elapsed_ns < until_ns]
        found: dict[str, list[list[float]]] = {name: [] for name in rivals}
        for _ in range(rounds):
            for name, rival in rivals.items():
                # The script falls behind more and more: a part of it tells enough.
                part = frames[:2000] if rival is of_script else frames
                values = lateness_ms(part, rival(part, speed), speed)
                found[name].append([values[int(len(values) * share)] for share in (0.5, 0.99)] + [values[-1]])
        p99 = {name: [row[1] for row in rows] for name, rows in found.items()}
        p50, _, worst = (statistics.median(column) for column in zip(*found["arirecord"], strict=True))
        for number, name in enumerate(list(rivals)[1:]):
            tell(
                Figure(
                    what=f"lateness at speed {speed}, p99, beside {name}",
                    unit="ms",
                    ours=p99["arirecord"],
                    theirs=p99[name],
                    rival=name,
                    most=None if number else most,
                    most_ratio=3 if rivals[name] is of_c else None,
                    said=f"p50 {p50:.3f} ms, latest {worst:.2f} ms of {len(frames):,} frames",
                )
            )


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def fast(rounds: int, passes: int) -> None:
    """Frames a second, to one and to ten, and memory."""
    frames = list(open_session(SAMPLE).frames())
    total = sum(sizes(frames))
    ours, theirs, ten = [], [], []
    for _ in range(rounds):
        with replaying(str(SAMPLE), "--speed", "max", "--loop", str(passes)) as (_, port):
            marks = heard(port, total * passes)
        took_s = (marks[-1][0] - marks[0][0]) / 1e9
        stock = of_script(frames, None)
        stock_s = (stock[-1][0] - stock[0][0]) / 1e9
        ours.append(len(frames) * passes / took_s)
        theirs.append(len(frames) / stock_s)
        with replaying(str(SAMPLE), "--speed", "max", "--share", "--start-paused", "--loop", "2") as (process, port):
            clients = [open_websocket(port, ALL) for _ in range(10)]
            urllib.request.urlopen(f"http://127.0.0.1:{port}/control/resume", data=b"").read()
            seen = dict.fromkeys(clients, 0)
            began = time.monotonic()
            while seen:
                for client in select.select(list(seen), [], [])[0]:
                    seen[client] += len(client.recv(1 << 20))
                    if seen[client] == 2 * total:
                        del seen[client]
            ten.append(2 * len(frames) / (time.monotonic() - began))
            for client in clients:
                client.close()
    tell(
        Figure(
            what="replay at --speed max to one client",
            unit="frames/s",
            ours=ours,
            theirs=theirs,
            rival="ws.send loop",
            least=100_000,
            least_ratio=1.2,
        )
    )
    tell(Figure(what="replay at --speed max to each of ten clients", unit="frames/s", ours=ten, least=10_000))
    with replaying(str(SAMPLE), "--speed", "max", "--loop", "0") as (process, port):
        client = open_websocket(port, ALL)
        seen_bytes, memory, buffer = 0, [], bytearray(1 << 20)
        for part in range(1, 5):
            while seen_bytes < part * passes // 2 * total:
                seen_bytes += client.recv_into(buffer)
            memory.append(resident_mb(process.pid))
    tell(
        Figure(
            what=f"memory of a replay after {2 * passes * len(frames):,} frames, beside a quarter of them",
            unit="MB",
            ours=[memory[-1]],
            theirs=[memory[0]],
            rival="itself",
            most_ratio=1.1,
        )
    )


def long(rounds: int, session: Path) -> None:
    """The first event after connecting, and after a seek, at the beginning, in the middle and near the end."""
    header = open_session(session).header
    for share in (0.0, 0.5, 0.95):
        first, seek = [], []
        for _ in range(rounds):
            to = int(header.duration_ns * share / 1e9)
            with replaying(str(session), "--start", f"+{to}s", "--speed", "max") as (_, port):
                began = time.monotonic()
                with open_websocket(port, ALL) as client:
                    client.recv(1)
                    first.append((time.monotonic() - began) * 1000)
            with (
                replaying(str(session), "--start-paused", "--speed", "1") as (_, port),
                open_websocket(port, ALL) as client,
            ):
                control = f"http://127.0.0.1:{port}/control"
                began = time.monotonic()
                urllib.request.urlopen(f"{control}/seek?to={to}", data=b"").read()
                urllib.request.urlopen(f"{control}/resume", data=b"").read()
                client.recv(1)
                seek.append((time.monotonic() - began) * 1000)
        for what, values in (("connecting", first), ("a seek", seek)):
            tell(
                Figure(
                    what=f"first event after {what}, at {share:.0%} of the session",
                    unit="ms",
                    events=header.events,
                    ours=values,
                    most=300,
                )
            )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=("late", "fast", "long"), help="all if none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="so long each lateness is measured, at most")
    parser.add_argument("--passes", type=int, default=8, help="so many times `fast` sends the sample")
    parser.add_argument("--events", type=int, default=100_000, help="of the stream that `long` replays")
    parser.add_argument("--folder", type=Path, help="where that is generated, and kept")
    options = parser.parse_args()
    if options.part in ("late", None):
        late(options.rounds, options.seconds)
    if options.part in ("fast", None):
        fast(options.rounds, options.passes)
    if options.part in ("long", None):
        with tempfile.TemporaryDirectory() as temporary:
            long(options.rounds, make_session(options.folder or Path(temporary), options.events))


if __name__ == "__main__":
    main()
