"""The receiving end: whatever the server sends and however it is cut up, each message comes once, in order."""

import asyncio
import random
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri
from websockets.utils import accept_key

from arirecord.capture import event_stream as module
from arirecord.capture.event_loop import CaptureLoop
from arirecord.capture.event_stream import EventStream
from tests.conftest import HERE
from tests.examples import examples
from tests.waiting import HANG_S

LIMIT = 100_000


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def can_write_eof(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def received(chunks: Sequence[bytes]) -> tuple[list[bytes], EventStream, Wire]:
    """What comes out of an `EventStream` that is given the handshake and then these chunks, all in one stream."""

    async def run() -> tuple[list[bytes], EventStream, Wire]:
        protocol = ClientProtocol(parse_uri("ws://127.0.0.1/ari/events"), max_size=LIMIT)
        stream, wire = EventStream(protocol), Wire()
        stream.connection_made(wire)
        request = protocol.connect()
        protocol.send_request(request)
        accept = b64encode(sha1(request.headers["Sec-WebSocket-Key"].encode() + GUID).digest()).decode()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        messages: list[bytes] = []
        data = iter(chunks)
        stream.data_received(head.encode() + next(data, b""))
        stream.start(lambda data, places: messages.extend(data[place] for place in places))
        for chunk in data:
            stream.data_received(chunk)
        return messages, stream, wire

    return asyncio.run(run())


GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def server_frame(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def message(data: bytes, pieces: int, rng: random.Random) -> bytes:
    """A text message as one frame, or in fragments with control frames between them."""
    if pieces == 1:
        return server_frame(Opcode.TEXT, data)
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(pieces - 1))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    wire = b""
    for number, part in enumerate(parts):
        wire += server_frame(Opcode.TEXT if number == 0 else Opcode.CONT, part, fin=number == len(parts) - 1)
        if rng.random() < 0.3:
            wire += server_frame(Opcode.PING, b"x")
    return wire


def cut(data: bytes, rng: random.Random, size: int) -> list[bytes]:
    chunks = []
    while data:
        here = rng.randrange(1, size + 1)
        chunks.append(data[:here])
        data = data[here:]
    return chunks


bodies = st.one_of(st.binary(max_size=300), st.integers(100, 70_000).map(lambda n: b"x" * n), st.just(b"\xff\xfe"))


@examples(150)
@given(
    st.lists(st.tuples(bodies, st.integers(1, 3)), max_size=8),
    st.integers(0, 2**32),
    st.sampled_from([1, 7, 300, 100_000]),
)
def test_any_messages_cut_anywhere(messages: list[tuple[bytes, int]], seed: int, size: int) -> None:
    """Whole, fragmented, with pings among them, in chunks of any size: all come, in order, once."""
    rng = random.Random(seed)
    wire = b"".join(message(body, pieces, rng) for body, pieces in messages)
    found, stream, _ = received(cut(wire, rng, size if len(wire) < 5000 else max(size, 300)))

    assert found == [body for body, _ in messages]
    assert stream.protocol.state is State.OPEN


def test_real_frames_cut_at_every_byte() -> None:
    """Also where a cut falls into the head of a frame."""
    frames = (HERE / "frames.jsonl").read_bytes().splitlines()[:3]
    wire = b"".join(server_frame(Opcode.TEXT, frame) for frame in frames)
    for place in range(len(wire)):
        assert received([wire[:place], wire[place:]])[0] == frames


def test_a_ping_is_answered() -> None:
    """By the library, between messages."""
    _, _, wire = received(
        [server_frame(Opcode.TEXT, b"a") + server_frame(Opcode.PING, b"ping") + server_frame(Opcode.TEXT, b"b")]
    )

    assert wire.written.count(b"\x8a\x84") == 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (server_frame(Opcode.TEXT, b"x" * (LIMIT + 1)), 1009),
        (b"\x81\x7f" + (2**62).to_bytes(8), 1009),
        (b"\x81\x81\x00\x00\x00\x00x", 1002),
        (b"\xc1\x01x", 1002),
        (b"\x83\x00", 1002),
        (b"\x80\x00", 1002),
        (server_frame(Opcode.TEXT, b"x", fin=False) + server_frame(Opcode.TEXT, b"y"), 1002),
    ],
    ids=[
        "too long",
        "absurdly long",
        "masked",
        "reserved bit",
        "unknown opcode",
        "continues nothing",
        "text in a fragment",
    ],
)
def test_what_breaks_the_protocol_ends_the_connection(bad: bytes, code: int) -> None:
    """As the library does it, with its Close code; what came before is kept, what comes after is not taken."""
    found, stream, _ = received([server_frame(Opcode.TEXT, b"before") + bad, server_frame(Opcode.TEXT, b"after")])

    assert found == [b"before"]
    assert stream.protocol.close_sent is not None or stream.protocol.state is not State.OPEN
    assert stream.protocol.close_sent and stream.protocol.close_sent.code == code


def test_a_close_frame_ends_it() -> None:
    """With its code and reason; nothing after it is taken."""
    close = server_frame(Opcode.CLOSE, (1000).to_bytes(2) + b"the end")
    found, stream, _ = received([server_frame(Opcode.TEXT, b"a") + close + server_frame(Opcode.TEXT, b"b")])

    assert found == [b"a"]
    assert stream.protocol.close_rcvd is not None
    assert (stream.protocol.close_rcvd.code, stream.protocol.close_rcvd.reason) == (1000, "the end")


@examples(100)
@given(st.binary(max_size=400), st.integers(0, 2**32))
def test_garbage_never_raises(garbage: bytes, seed: int) -> None:
    """Whatever comes after the handshake."""
    received(cut(garbage, random.Random(seed), 50))


def test_messages_before_the_start_wait(tmp_path: Path) -> None:
    """Those that came in one piece with the answer to the handshake are handed over first."""
    frames = [b"%d" % n for n in range(5)]
    wire = b"".join(server_frame(Opcode.TEXT, frame) for frame in frames)

    assert received([wire])[0] == frames
    assert received([wire[:7], wire[7:]])[0] == frames


LOOPS = [CaptureLoop, asyncio.SelectorEventLoop]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("is_behind", [True, False])
def test_a_flood_is_slowed_only_while_the_recorder_is_behind(
    monkeypatch: pytest.MonkeyPatch, is_behind: bool, loop: type[asyncio.SelectorEventLoop]
) -> None:
    """No message is lost either way."""
    messages = [b"%d" % n * 100 for n in range(10_000)]
    pauses: list[float] = []
    pause_s = module._pause_s

    def noted_pause_s(size: int, is_behind: bool) -> float:
        pauses.append(pause_s(size, is_behind))
        return pauses[-1]

    monkeypatch.setattr(module, "_pause_s", noted_pause_s)

    async def main() -> list[bytes]:
        taken: list[bytes] = []
        done = asyncio.Event()

        async def flood(connection: ServerConnection) -> None:
            await begun.wait()
            connection.transport.write(b"".join(server_frame(Opcode.TEXT, message) for message in messages))
            await done.wait()

        def take(data: bytes, places: Sequence[slice]) -> None:
            taken.extend(data[place] for place in places)
            if len(taken) == len(messages):
                done.set()

        begun = asyncio.Event()
        async with serve(flood, "127.0.0.1", 0, compression=None) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with connect(url, create_connection=EventStream, compression=None) as stream:
                assert isinstance(stream, EventStream)
                stream.start(take, lambda: is_behind)
                begun.set()
                await asyncio.wait_for(done.wait(), HANG_S)
        return taken

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(main()) == messages
    assert (module._BREATH_S in pauses) is is_behind


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_a_server_that_sends_is_alive_though_it_answers_no_ping(loop: type[asyncio.SelectorEventLoop]) -> None:
    """The connection is given up once the server is silent; all that it sent is there."""
    messages = [b"%d" % n for n in range(20)]
    taken: list[bytes] = []

    async def main() -> str | None:
        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            key = head.lower().index(b"sec-websocket-key: ") + 19
            accept = accept_key(head[key : key + 24].decode())
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            writer.write(f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            for message in messages:
                writer.write(server_frame(Opcode.TEXT, message))
                await asyncio.sleep(0.05)  # its pace: a second in all, five times the keep-alive
            await closed.wait()
            writer.close()

        closed = asyncio.Event()
        async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            stream = await connect(
                url, create_connection=EventStream, ping_interval=0.2, ping_timeout=0.2, close_timeout=0.1
            )
            assert isinstance(stream, EventStream)
            stream.start(lambda data, places: taken.extend(data[place] for place in places))
            await asyncio.wait_for(stream.wait_closed(), HANG_S)
            closed.set()
            return stream.protocol.close_sent.reason if stream.protocol.close_sent else None

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(main()) == "keepalive ping timeout"
    assert taken == messages
