"""Voice bots that speak known audio at known times: over AudioSocket, external media by RTP, or playbacks."""

import asyncio
import struct
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import cache
from pathlib import Path
from typing import Protocol

from .app import App
from .phone import Call
from .rtp import FRAME_S, SAMPLES, Voice, speech
from .switch import Asterisk

__all__ = ["AudioSocketBot", "Bot", "PlayingBot", "RtpBot", "converse", "interview", "say"]

DELAYS_S = (0.3, 0.7, 1.2)


class Bot(Protocol):
    """A bot that speaks while `speaks`."""

    speaks: bool


class RtpBot(Voice):
    """An external media endpoint that sends RTP to who sends to it."""

    answers_sender = True

    @classmethod
    @asynccontextmanager
    async def at(cls, *, sends_silence: bool) -> "AsyncIterator[RtpBot]":
        bot = await cls.open()
        bot.sends_silence, bot.pitch_hz = sends_silence, 180
        assert isinstance(bot, RtpBot)
        try:
            yield bot
        finally:
            bot.close()

    def media(self) -> dict[str, object]:
        """The parameters of the request for its media leg."""
        return {"external_host": f"127.0.0.1:{self.port}", "format": "ulaw"}


class AudioSocketBot:
    """An AudioSocket server for one connection, at 8 or 16 kHz."""

    def __init__(self, *, sends_silence: bool, is_wide: bool = False) -> None:
        self.speaks, self.sends_silence, self.port = False, sends_silence, 0
        self._is_wide = is_wide

    @classmethod
    @asynccontextmanager
    async def at(cls, *, sends_silence: bool, is_wide: bool = False) -> "AsyncIterator[AudioSocketBot]":
        bot = cls(sends_silence=sends_silence, is_wide=is_wide)
        async with await asyncio.start_server(bot._serve, "127.0.0.1", 0) as server:
            bot.port = server.sockets[0].getsockname()[1]
            yield bot

    def media(self) -> dict[str, object]:
        """The parameters of the request for its media leg."""
        return {
            "external_host": f"127.0.0.1:{self.port}", "encapsulation": "audiosocket", "transport": "tcp",
            "format": "slin16" if self._is_wide else "slin", "data": str(uuid.uuid4()),
        }  # fmt: skip

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(writer))
                while await reader.read(4096):
                    pass
                sending.cancel()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due, number = loop.time(), 0
        while True:
            if self.speaks or self.sends_silence:
                samples = _linear()[number % len(_linear())] if self.speaks else (0,) * SAMPLES
                writer.write(_packet(samples, is_wide=self._is_wide))
            number += 1
            due += FRAME_S
            await asyncio.sleep(due - loop.time())


class PlayingBot:
    """A bot that speaks by playbacks of one sound of 60 s: to a channel, or to a bridge."""

    def __init__(self, app: App, target: str, asterisk: Asterisk) -> None:
        (asterisk.folder / "hum.ulaw").write_bytes(b"".join(speech(180)) * 60)
        sound = Path("/", asterisk.folder.relative_to(asterisk.root), "hum")
        self._app, self._path, self._media, self._playing = app, f"{target}/play", f"sound:{sound}", ""

    async def start(self) -> None:
        self._playing = str((await self._app.request("POST", self._path, media=self._media))["id"])

    async def stop(self) -> None:
        await self._app.request("DELETE", f"playbacks/{self._playing}")


@cache
def _linear() -> tuple[tuple[int, ...], ...]:
    """One second of speech in packets of samples."""
    return tuple(tuple(map(_sample, packet)) for packet in speech(180))


def _packet(samples: tuple[int, ...], *, is_wide: bool) -> bytes:
    """20 ms of AudioSocket: its kind, its length, and signed 16-bit samples, little-endian."""
    if is_wide:
        samples = tuple(sample for sample in samples for _ in range(2))
    return struct.pack(f"!BH{2 * len(samples)}s", 0x12 if is_wide else 0x10, 2 * len(samples), struct.pack(
        f"<{len(samples)}h", *samples
    ))  # fmt: skip


def _sample(code: int) -> int:
    bits = ~code & 0xFF
    magnitude = (((bits & 0x0F) << 3) + 132 << (bits >> 4 & 7)) - 132
    return -magnitude if bits & 0x80 else magnitude


async def say(speaker: "Bot | PlayingBot", seconds: float) -> None:
    """Speak for a time."""
    await start(speaker)
    await asyncio.sleep(seconds)
    await stop(speaker)


async def start(speaker: "Bot | PlayingBot") -> None:
    if isinstance(speaker, PlayingBot):
        await speaker.start()
    else:
        speaker.speaks = True


async def stop(speaker: "Bot | PlayingBot") -> None:
    if isinstance(speaker, PlayingBot):
        await speaker.stop()
    else:
        speaker.speaks = False


async def interview(call: Call, bot: "Bot | PlayingBot") -> None:
    """The caller asks three times; the bot answers after `DELAYS_S`, and is silent 0.2 s after it is interrupted."""
    await asyncio.sleep(0.5)
    for delay_s in DELAYS_S:
        await say(call.voice, 1.1)
        await asyncio.sleep(delay_s)
        await say(bot, 0.9)
        await asyncio.sleep(0.8)
    await start(bot)
    await asyncio.sleep(0.8)
    await start(call.voice)
    await asyncio.sleep(0.2)
    await stop(bot)
    await asyncio.sleep(1)
    await stop(call.voice)
    await asyncio.sleep(0.4)
    await say(bot, 0.6)
    await asyncio.sleep(0.6)


async def converse(call: Call, bot: "Bot | PlayingBot") -> None:
    """An interview, at whose end the caller hangs up."""
    await interview(call, bot)
    await call.hangup()
