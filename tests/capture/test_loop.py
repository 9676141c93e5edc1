"""The loop that reads one socket directly is asyncio's in all else."""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from arirecord.capture.event_loop import CaptureLoop
from tests.waiting import HANG_S


class Usual(asyncio.Protocol):
    """What asyncio reads itself."""

    all: ClassVar[list["Usual"]] = []

    def __init__(self) -> None:
        self.transport = asyncio.BaseTransport()
        self.all.append(self)
        self.got: list[bytes] = []
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set_result(error)


async def closed() -> None:
    """Return once all connections are closed."""
    while Usual.all:
        usual = Usual.all.pop()
        usual.transport.close()
        await usual.over


def run(test: Callable[["socket.socket", "socket.socket", CaptureLoop], Coroutine[Any, Any, None]]) -> None:
    """Run it on a `CaptureLoop` with the ends of a connection."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CaptureLoop)
        here, there = socket.socketpair()
        here.setblocking(False)
        with here, there:
            await asyncio.wait_for(test(here, there, loop), HANG_S)
            await closed()

    with asyncio.Runner(loop_factory=CaptureLoop) as runner:
        runner.run(main())


def test_what_is_read_there_does_not_come_to_asyncio() -> None:
    """And what reading brings about (here a result) is acted on at once, though nothing more comes."""

    async def test(here: socket.socket, there: socket.socket, loop: CaptureLoop) -> None:
        _, usual = await loop.create_connection(Usual, sock=here)
        got: list[bytes] = []
        enough = loop.create_future()

        def read() -> bool:
            got.append(os.read(here.fileno(), 100))
            if got[-1] == b"enough":
                enough.set_result(None)
            return True

        loop.read_directly(here.fileno(), read)
        for text in (b"a", b"b", b"enough"):
            there.send(text)
            await asyncio.sleep(0)
        await enough

        assert b"".join(got).endswith(b"enough")
        assert usual.got == []

    run(test)


def test_what_is_left_to_asyncio_it_reads() -> None:
    """The end of a connection too."""

    async def test(here: socket.socket, there: socket.socket, loop: CaptureLoop) -> None:
        _, usual = await loop.create_connection(Usual, sock=here)
        loop.read_directly(here.fileno(), lambda: False)
        there.send(b"left")
        there.shutdown(socket.SHUT_WR)
        await usual.over

        assert usual.got == [b"left"]

    run(test)


def test_a_stream_without_end_holds_up_nobody() -> None:
    """While there is always something to read, timers, other threads and other sockets have their turn."""

    async def test(here: socket.socket, there: socket.socket, loop: CaptureLoop) -> None:
        await loop.create_connection(Usual, sock=here)
        loop.read_directly(here.fileno(), lambda: True)  # it reads nothing: the socket is ready for ever
        there.send(b"x")
        await asyncio.wait([loop.create_future()], timeout=0.01)
        assert await asyncio.to_thread(lambda: "from a thread") == "from a thread"
        one, other = socket.socketpair()
        with other:
            _, usual = await loop.create_connection(Usual, sock=one)
            other.send(b"y")
            other.shutdown(socket.SHUT_WR)
            await usual.over
            assert usual.got == [b"y"]

    run(test)


def test_a_timer_set_while_reading_is_kept() -> None:
    """Also where nothing else is to happen."""

    async def test(here: socket.socket, there: socket.socket, loop: CaptureLoop) -> None:
        await loop.create_connection(Usual, sock=here)
        rung = loop.create_future()

        def read() -> bool:
            os.read(here.fileno(), 100)
            loop.call_later(0.001, rung.set_result, None)
            return True

        loop.read_directly(here.fileno(), read)
        there.send(b"x")
        await rung

    run(test)


def test_another_file_of_the_same_number_is_read_by_asyncio() -> None:
    """Once the connection is closed nothing is left of it."""

    async def test(here: socket.socket, there: socket.socket, loop: CaptureLoop) -> None:
        transport, usual = await loop.create_connection(Usual, sock=here)
        number = here.fileno()
        loop.read_directly(number, lambda: True)
        transport.close()
        await usual.over
        one, other = socket.socketpair()
        with other:
            if one.fileno() != number:
                os.dup2(one.fileno(), number)
                one.close()
                one = socket.socket(fileno=number)
            _, usual = await loop.create_connection(Usual, sock=one)
            other.send(b"z")
            other.shutdown(socket.SHUT_WR)
            await usual.over

            assert usual.got == [b"z"]

    run(test)
