"""Audio for the targets that clients name: RTP over UDP, and AudioSocket over TCP."""

import asyncio
import secrets
import struct
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from .audio import PTIME_S, Audio
from .media_channel import MediaChannel

__all__ = ["send_audio"]

_UUID, _SLIN, _HANGUP = 0x01, 0x10, 0x00
_CONNECT_S: Final = 5


async def send_audio(channel: MediaChannel, audio: Audio, say: Callable[[str], None]) -> None:
    """Send audio to the target of a channel until the channel ends. `say` receives the reason if it can't be sent."""
    host, _, port = channel.target.rpartition(":")
    frames = audio.frames(channel.codec)
    try:
        if channel.transport == "audiosocket":
            if channel.codec.name != "slin":
                say(f"No audio is sent to {channel.target}: AudioSocket takes slin, not {channel.codec.name}.")
                return
            await _audio_socket(channel, host.strip("[]"), int(port), frames)
        elif channel.codec.rtp_type is None:
            say(f"No audio is sent to {channel.target}: RTP with {channel.codec.name} is not supported.")
        else:
            await _rtp(channel, host.strip("[]"), int(port), frames)
    except (OSError, ValueError, TimeoutError) as error:
        say(f"No audio is sent to {channel.target}: {error or type(error).__name__}.")


async def _paced(channel: MediaChannel, frames: Iterator[bytes], send: Callable[[bytes], Awaitable[None]]) -> None:
    """Send a frame each 20 ms until the channel ends."""
    next_s = time.monotonic()
    for frame in frames:
        if channel.ended.is_set():
            return
        await send(frame)
        channel.sent_frames += 1
        next_s += PTIME_S
        await asyncio.sleep(max(0, next_s - time.monotonic()))


class _Counting(asyncio.DatagramProtocol):
    """Counts the audio in RTP packets."""

    def __init__(self, channel: MediaChannel) -> None:
        self._channel = channel

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) > 12:
            self._channel.receive(data[12:])


async def _rtp(channel: MediaChannel, host: str, port: int, frames: Iterator[bytes]) -> None:
    """RFC 3550. The samples of slin are in network byte order."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Counting(channel), remote_addr=(host, port))
    ssrc, number, samples = secrets.randbits(32), 0, channel.codec.rate // 50
    is_slin = channel.codec.name.startswith("slin")

    async def send(frame: bytes) -> None:
        nonlocal number
        assert channel.codec.rtp_type is not None
        marker = 0x80 if number == 0 else 0
        head = struct.pack(
            "!BBHII", 0x80, marker | channel.codec.rtp_type, number & 0xFFFF, number * samples & 0xFFFFFFFF, ssrc
        )
        if is_slin:
            frame = b"".join(struct.pack("!h", sample) for (sample,) in struct.iter_unpack("<h", frame))
        transport.sendto(head + frame)
        number += 1

    try:
        await _paced(channel, frames, send)
    finally:
        transport.close()


async def _audio_socket(channel: MediaChannel, host: str, port: int, frames: Iterator[bytes]) -> None:
    """Asterisk's AudioSocket: type, length and payload; the first message is the UUID of the connection."""
    async with asyncio.timeout(_CONNECT_S):
        reader, writer = await asyncio.open_connection(host, port)

    async def send(frame: bytes) -> None:
        writer.write(struct.pack("!BH", _SLIN, len(frame)) + frame)
        await writer.drain()

    async def count() -> None:
        while True:
            kind, length = struct.unpack("!BH", await reader.readexactly(3))
            data = await reader.readexactly(length)
            if kind == _HANGUP:
                channel.ended.set()
                return
            if kind == _SLIN:
                channel.receive(data)

    try:
        connection = uuid.UUID(channel.data or str(uuid.uuid4())).bytes
        writer.write(struct.pack("!BH", _UUID, len(connection)) + connection)
        async with asyncio.TaskGroup() as tasks:
            counting = tasks.create_task(_until_closed(count))
            await _until_closed(lambda: _paced(channel, frames, send))
            counting.cancel()
        writer.write(struct.pack("!BH", _HANGUP, 0))
    finally:
        writer.close()


async def _until_closed(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except (OSError, asyncio.IncompleteReadError):
        return
