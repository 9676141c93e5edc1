"""The voice of a test phone: silence, speech, digits, and a count of what it hears."""

import asyncio
import math
import random
import struct
import time
from collections import deque
from collections.abc import Iterable
from functools import cache

__all__ = ["FRAME_S", "SAMPLES", "Voice", "extend", "speech"]

FRAME_S = 0.02
SAMPLES = 160
PCMU, EVENT = 0, 101
DIGITS, VOLUME = "0123456789*#ABCD", 10
SILENCE = b"\xff" * SAMPLES
LOUD = 64
"""Mean magnitude of a packet with sound."""
PAUSE_S = 0.1


@cache
def speech(pitch_hz: int) -> tuple[bytes, ...]:
    """One second of a hum with four syllables, in packets of 20 ms; no pause in it is longer than one packet."""

    def sample(index: int) -> int:
        second = index / 8000
        voice = sum(math.sin(2 * math.pi * pitch_hz * n * second) / n for n in range(1, 8))
        return int(5000 * abs(math.sin(math.pi * 4 * second)) * voice)

    return tuple(bytes(_ulaw(sample(start + i)) for i in range(SAMPLES)) for start in range(0, 8000, SAMPLES))


def _ulaw(sample: int) -> int:
    """A 16-bit sample as G.711 µ-law."""
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    return ~((sample < 0) << 7 | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F) & 0xFF


@cache
def _magnitude(code: int) -> int:
    """The magnitude of a G.711 µ-law sample."""
    bits = ~code & 0xFF
    return (((bits & 0x0F) << 3) + 132 << (bits >> 4 & 7)) - 132


def loudness(packet: bytes) -> float:
    """The mean magnitude of the samples of a µ-law packet, as talk detection measures it."""
    return sum(map(_magnitude, packet)) / max(len(packet), 1)


def extend(spans: list[list[float]], now: float) -> None:
    """Add a time to the last of some spans, or begin another after a pause of 0.1 s."""
    if spans and now - spans[-1][1] < PAUSE_S:
        spans[-1][1] = now
    else:
        spans.append([now, now])


class Voice(asyncio.DatagramProtocol):
    """An RTP socket that sends µ-law every 20 ms once it knows where to: speech while `speaks`, else silence.

    `spoken` has the first and last time of packets of each speech sent, `received` those of sound that came, in seconds
    since the epoch. Without `sends_silence` it sends nothing in pauses, with `answers_sender` to who sends to it.
    """

    sends_silence = True
    answers_sender = False

    def __init__(self) -> None:
        self.heard = 0
        self.spoken: list[list[float]] = []
        self.received: list[list[float]] = []
        self.speaks = False
        self.pitch_hz = 120
        self.target: tuple[str, int] | None = None
        self._sequence, self._time, self._source = 0, 1600, random.getrandbits(32)
        self._next: asyncio.TimerHandle | None = None
        self._keys: deque[tuple[int, bytes] | None] = deque()

    @classmethod
    async def open(cls) -> "Voice":
        _, voice = await asyncio.get_running_loop().create_datagram_endpoint(cls, ("127.0.0.1", 0))
        return voice

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard += 1
        if self.answers_sender and self.target is None:
            self.send_to(addr)
        if data[1] & 0x7F == PCMU and loudness(data[12:]) >= LOUD:
            extend(self.received, time.time())

    def close(self) -> None:
        if self._next:
            self._next.cancel()
        self.transport.close()

    def send_to(self, target: tuple[str, int]) -> None:
        if target != self.target:
            self._keys.clear()  # what is still to be sent was for another call
        self.target = target
        if self._next is None:
            self._tick()

    def stop(self) -> None:
        """Send nothing until the next `send_to`."""
        self.target = None
        self.speaks = False
        self._keys.clear()
        if self._next:
            self._next.cancel()
            self._next = None

    async def press(self, digits: Iterable[str]) -> None:
        """Press keys, 80 ms each with 120 ms between, as telephone events (RFC 4733).

        The end is sent once, as loopback loses nothing: Asterisk 22 reports a key again for each repeated end that
        arrives while it passes the caller on from a menu to a dial or a queue.
        """
        for digit in digits:
            for frame in range(5):
                end = 0x80 if frame == 4 else 0
                payload = struct.pack("!BBH", DIGITS.index(digit), end | VOLUME, min(frame + 1, 4) * SAMPLES)
                self._keys.append((frame, payload))
            self._keys += [None] * 5
            await asyncio.sleep(10 * FRAME_S)

    def _tick(self) -> None:
        """One packet; while a key is down, its event instead of silence. All packets of one event bear one time."""
        self._next = asyncio.get_running_loop().call_later(FRAME_S, self._tick)
        key = self._keys.popleft() if self._keys else None
        if key:
            frame, payload = key
            self._send(EVENT | (0x80 if frame == 0 else 0), payload, self._time - frame * SAMPLES)
        elif self.speaks:
            packets = speech(self.pitch_hz)
            self._send(PCMU, packets[self._time // SAMPLES % len(packets)], self._time)
            extend(self.spoken, time.time())
        elif self.sends_silence:
            self._send(PCMU, SILENCE, self._time)
        self._time += SAMPLES

    def _send(self, kind: int, payload: bytes, time: int) -> None:
        head = struct.pack("!BBHII", 0x80, kind, self._sequence, time, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self.target:
            self.transport.sendto(head + payload, self.target)
