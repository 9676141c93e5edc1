"""Listening: what can go wrong is one sentence, and nothing waits for acknowledgements."""

import asyncio
import socket

import pytest

from arirecord.asterisk.web_access import local_authority
from arirecord.errors import ReplayError
from arirecord.replay.wire.uvicorn_server import listen

from .support import run


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ReplayError, match=f"^port {port} of 127.0.0.1 is in use by another program; choose another"
        ):
            run(listen("127.0.0.1", port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_nobody_here_is_one_sentence(host: str) -> None:
    with pytest.raises(ReplayError, match=f"^can't listen on port 0 of {host}: "):
        run(listen(host, 0))


def test_frames_are_sent_without_waiting_for_acknowledgements() -> None:
    """Without TCP_NODELAY a frame now and then is 40 ms late; asyncio sets it only where the socket says it is TCP."""

    async def main() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(take, sock=await listen("127.0.0.1", 0)) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            delay_off = await accepted
            writer.close()
            await writer.wait_closed()
            return delay_off

    assert run(main()) != 0


def test_what_a_client_connects_to() -> None:
    assert local_authority("127.0.0.1", 1) == "127.0.0.1:1"
    assert local_authority("0.0.0.0", 1) == "127.0.0.1:1"
    assert local_authority("::", 1) == "[::1]:1"
