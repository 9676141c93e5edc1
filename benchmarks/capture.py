"""How fast can a capture be? Frames of 640 bytes from a fast sender on loopback, in one run:

- `arirecord capture`, journal written, every frame accounted for
- a stock `websockets` loop that throws the frames away (the limit), and one that appends JSON lines (the usual script)

    python -m benchmarks.capture [FRAMES] [RUNS]

The sender is a process of its own that writes ready-made WebSocket frames, so that it is never the limit.
"""

import asyncio
import json
import multiprocessing
import socket
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha1
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from arirecord.capture.address import Address
from arirecord.capture.event_loop import CaptureLoop
from arirecord.capture.reconnect import Capture, CaptureOptions
from arirecord.capture.recorder import Recorder
from arirecord.session.reader import open_session
from arirecord.session.rows import END_OF_RECORDING
from benchmarks.figure import Figure, tell

SAMPLE = Path(__file__).parents[1] / "sample_data" / "peak_load.parquet"


def send(port: "multiprocessing.Queue[int]", count: int) -> None:
    """Serve one WebSocket client after the other: `count` real frames, then a Close frame. Other requests get 404."""
    frames = [frame.raw.encode() for frame in open_session(SAMPLE).frames()]
    ready = [_framed(frame) for frame in frames]
    laps, rest = divmod(count, len(ready))
    reason = (1000).to_bytes(2) + END_OF_RECORDING.encode()
    lap, last = b"".join(ready), b"".join(ready[:rest]) + b"\x88" + bytes([len(reason)]) + reason
    with socket.create_server(("127.0.0.1", 0)) as server:
        port.put(server.getsockname()[1])
        while True:
            client, _ = server.accept()
            with client:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += client.recv(65536)
                key = [line[19:] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: ")]
                if not key:
                    client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    continue
                accept = b64encode(sha1(key[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                client.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                for _ in range(laps):
                    client.sendall(lap)
                client.sendall(last)
                client.recv(65536)


def _framed(text: bytes) -> bytes:
    size = len(text)
    return (b"\x81" + bytes([size]) if size < 126 else b"\x81\x7e" + size.to_bytes(2)) + text


async def discard(url: str, folder: Path) -> int:
    """The limit: receive and forget."""
    count = 0
    async with connect(url.replace("http", "ws", 1) + "/events?app=x", compression=None, max_size=None) as connection:
        try:
            while True:
                await connection.recv(decode=False)
                count += 1
        except ConnectionClosed:
            return count


async def script(url: str, folder: Path) -> int:
    """What a user writes: JSON lines with the time of receipt."""
    count = 0
    async with connect(url.replace("http", "ws", 1) + "/events?app=x", compression=None, max_size=None) as connection:
        with (folder / "events.jsonl").open("w") as file:
            try:
                async for message in connection:
                    file.write(json.dumps({"t": time.time_ns(), "frame": message}) + "\n")
                    count += 1
            except ConnectionClosed:
                pass
    return count


async def arirecord(url: str, folder: Path) -> int:
    """The capture, up to the closed journal."""
    target = folder / f"{time.time_ns()}.parquet"
    task = Capture(CaptureOptions(Address.parse(url), snapshot=False), lambda: Recorder(target, {}))
    await task.run(asyncio.Event())
    assert task.recorder is not None
    task.recorder.close()
    assert task.recorder.stats.lost_count == 0
    return task.recorder.stats.events


def main() -> None:
    """Run all three in turn, several times, and tell the rates."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    sender = multiprocessing.Process(target=send, args=(ports, count), daemon=True)
    sender.start()
    url = f"http://127.0.0.1:{ports.get()}/ari"
    rivals: list[Callable[[str, Path], Awaitable[int]]] = [discard, script, arirecord]
    rates: dict[str, list[float]] = {rival.__name__: [] for rival in rivals}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            for rival in rivals:
                began = time.perf_counter()
                with asyncio.Runner(loop_factory=CaptureLoop if rival is arirecord else None) as runner:
                    found: int = runner.run(rival(url, Path(folder)))  # type: ignore[arg-type]  # each is a coroutine function
                rates[rival.__name__].append(found / (time.perf_counter() - began))
                assert found == count, (rival.__name__, found)
    sender.terminate()

    def rate(what: str, rival: str, beside: str, least_ratio: float, least: float | None = None) -> None:
        ours, theirs = rates["arirecord"], rates[beside]
        tell(
            Figure(
                what=what,
                unit="frames/s",
                events=count,
                ours=ours,
                theirs=theirs,
                rival=rival,
                least_ratio=least_ratio,
                least=least,
            )
        )

    rate("capture to journal", "websockets loop appending JSONL", "script", 1.0, 100_000)
    rate("capture to journal, beside no writing", "websockets loop throwing frames away", "discard", 0.75)


if __name__ == "__main__":
    main()
