"""The voice of a test phone: silence, digits, and a count of what it hears."""

import asyncio
import random
import struct
from collections.abc import Iterable

__all__ = ["Voice"]

FRAME_S = 0.02
DIGITS = "0123456789*#ABCD"


class Voice(asyncio.DatagramProtocol):
    """An RTP socket that sends µ-law silence every 20 ms once it knows where to."""

    def __init__(self) -> None:
        self.heard = 0
        self.target: tuple[str, int] | None = None
        self._sequence, self._time, self._source = 0, 0, random.getrandbits(32)
        self._next: asyncio.TimerHandle | None = None
        self._digits: list[tuple[int, bytes]] = []

    @classmethod
    async def open(cls) -> "Voice":
        _, voice = await asyncio.get_running_loop().create_datagram_endpoint(cls, ("127.0.0.1", 0))
        return voice

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard += 1

    def close(self) -> None:
        if self._next:
            self._next.cancel()
        self.transport.close()

    def send_to(self, target: tuple[str, int]) -> None:
        self.target = target
        if self._next is None:
            self._tick()

    async def press(self, digits: Iterable[str]) -> None:
        """Press keys, 80 ms each with 60 ms between, as telephone events (RFC 4733)."""
        for digit in digits:
            event = DIGITS.index(digit)
            for frame in range(1, 5):
                self._digits.append((frame, struct.pack("!BBH", event, 10, frame * 160)))
            self._digits += [(5 + again, struct.pack("!BBH", event, 0x80 | 10, 4 * 160)) for again in range(3)]
            while self._digits:
                await asyncio.sleep(FRAME_S)
            await asyncio.sleep(0.06)

    def _tick(self) -> None:
        """One packet; while a key is down, its event instead of silence. All packets of one event bear one time."""
        self._next = asyncio.get_running_loop().call_later(FRAME_S, self._tick)
        assert self.target is not None
        if self._digits:
            frame, payload = self._digits.pop(0)
            start = self._time - min(frame - 1, 3) * 160
            self._send(101, payload, start, is_first=frame == 1)
            if frame < 4:
                self._time += 160
            elif not self._digits:
                self._time += 160
        else:
            self._send(0, b"\xff" * 160, self._time)
            self._time += 160

    def _send(self, kind: int, payload: bytes, time: int, is_first: bool = False) -> None:
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if is_first else 0), self._sequence, time, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self.target:
            self.transport.sendto(head + payload, self.target)
