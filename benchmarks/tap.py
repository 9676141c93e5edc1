"""How much later does everything arrive through the tap?

    python -m benchmarks.tap [SECONDS]

A server sends 1,000 frames a second of the size ARI's have to each of two clients, one direct and one through a real
`arirecord tap`, half a millisecond apart, and answers REST requests that take the two ways in turn. Everything is in
one run, so that both ways meet the same machine; targets: at most 1 ms more at p99 for a frame, 3 ms for a REST call.
"""

import asyncio
import gc
import re
import socket
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from websockets.asyncio.client import connect

from arirecord.replay.wire.precise_loop import precise_loop
from arirecord.session.reader import open_session
from benchmarks.figure import Figure, tell

RATE = 1000
FRAME_BYTES = 636
WAYS = ("direct", "tap")
PARAMETERS = "&subscribeAll=true&api_key=a:b"
ANSWER = b'[{"id":"1"}]' * 50

Latencies = dict[str, list[float]]


class Upstream:
    """Stands in for Asterisk: events to applications by name, one answer to all requests."""

    def __init__(self) -> None:
        self.send: dict[str, Any] = {}
        self.ready = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["type"] == "http":
            length = str(len(ANSWER)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
            await send({"type": "http.response.body", "body": ANSWER})
            return
        await send({"type": "websocket.accept"})
        self.send[scope["query_string"].decode().partition("&")[0].removeprefix("app=")] = send
        if len(self.send) == len(WAYS):
            self.ready.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async def frame(self, way: str) -> None:
        text = f'{{"type":"Dial","at":{time.monotonic_ns():>20},"x":"'
        await self.send[way]({"type": "websocket.send", "text": text + "x" * (FRAME_BYTES - len(text) - 2) + '"}'})


async def frames(upstream: Upstream, ports: dict[str, int], seconds: float) -> Latencies:
    """Milliseconds from sending to receiving, by way."""
    latencies: Latencies = {way: [] for way in WAYS}
    count = int(RATE * seconds)

    async def read(way: str) -> None:
        url = f"ws://127.0.0.1:{ports[way]}/ari/events?app={way}{PARAMETERS}"
        async with connect(url, compression=None, proxy=None, ping_interval=None) as client:
            for _ in range(count):
                frame = await client.recv(decode=False)
                latencies[way].append((time.monotonic_ns() - int(frame[20:40])) / 1e6)

    async with asyncio.TaskGroup() as tasks:
        for way in WAYS:
            tasks.create_task(read(way))
        await upstream.ready.wait()
        begin = time.monotonic()
        for n in range(count):
            for half, way in enumerate(WAYS):
                await asyncio.sleep(begin + (n + half / 2) / RATE - time.monotonic())
                await upstream.frame(way)
    return latencies


async def calls(ports: dict[str, int], count: int, *, keep: bool) -> Latencies:
    """Milliseconds of a REST call, by way; over one connection, or one for each."""
    latencies: Latencies = {way: [] for way in WAYS}
    request = b"GET /ari/channels?api_key=a:b HTTP/1.1\r\nHost: localhost\r\n\r\n"
    opened: dict[str, Any] = {}
    for _ in range(count):
        for way in WAYS:
            began = time.monotonic_ns()
            if way not in opened:
                opened[way] = await asyncio.open_connection("127.0.0.1", ports[way])
            reader, writer = opened[way]
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(ANSWER))
            latencies[way].append((time.monotonic_ns() - began) / 1e6)
            if not keep:
                opened.pop(way)[1].close()
    for _, writer in opened.values():
        writer.close()
    return latencies


def show(what: str, latencies: Latencies, target_ms: float) -> None:
    """Tell percentiles of both ways, and what the tap may add."""
    found = {way: statistics.quantiles(values, n=1000) for way, values in latencies.items()}
    for name, place in (("p50", 499), ("p99", 989), ("p99.9", 998)):
        tell(
            Figure(
                what=f"{what}, {name}",
                unit="ms",
                ours=[found["tap"][place]],
                theirs=[found["direct"][place]],
                rival="without tap",
                most_more=target_ms if name == "p99" else None,
            )
        )


async def main(seconds: float) -> None:
    """Run it all."""
    upstream = Upstream()
    config = uvicorn.Config(upstream, ws="websockets-sansio", lifespan="off", log_level="critical")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # The protocol is named: only then asyncio turns Nagle's algorithm off.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    await server.startup([listening])
    ports = {"direct": listening.getsockname()[1]}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "s.parquet"
        command = [sys.executable, "-c", "import arirecord.cli as cli; cli.main()", "tap", "--listen", ":0"]
        command += ["--upstream", f"http://127.0.0.1:{ports['direct']}/ari", "-o", str(target)]
        tap = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        try:
            assert tap.stderr is not None
            while (found := re.search(rb"http://127.0.0.1:(\d+)/ari instead", await tap.stderr.readline())) is None:
                pass
            ports["tap"] = int(found[1])
            gc.freeze()
            await calls(ports, 100, keep=True)
            show("frame through the tap at 1,000/s", await frames(upstream, ports, seconds), 1)
            show("REST through the tap, one connection", await calls(ports, 1000, keep=True), 3)
            show("REST through the tap, one connection each", await calls(ports, 500, keep=False), 3)
        finally:
            tap.terminate()
            await tap.communicate()
        header = open_session(target).header
        print(f"recorded: {header.events:,} events, {header.rows - header.events:,} other rows", file=sys.stderr)
    await server.shutdown([listening])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        loops = asyncio.Runner(loop_factory=precise_loop)
        with loops as runner:
            runner.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
