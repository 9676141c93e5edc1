"""WebSocket frames (RFC 6455, section 5.2): found in received data, and written for sending."""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["BINARY", "FINAL", "TEXT", "FrameBounds", "frame_bounds", "server_frames", "whole_texts"]

FINAL: Final = 0x80
"""The bit of a frame that ends its message, in the first byte."""

TEXT: Final = FINAL | 0x1
"""First byte of a text message in one frame."""

BINARY: Final = FINAL | 0x2
"""First byte of a binary message in one frame."""

_MASKED: Final = 0x80
_MASK_SIZE: Final = 4

# The length of the payload has 7 bits, or after 126 in their place 16, or after 127 64.
_MEDIUM: Final = struct.Struct("!BBH")
_LONG: Final = struct.Struct("!BBQ")


class FrameBounds(NamedTuple):
    """Positions of a frame's payload. A masked one has its mask in the four bytes before `begin`."""

    begin: int
    end: int
    is_masked: bool


def frame_bounds(data: bytes | bytearray, start: int) -> FrameBounds | None:
    """Find the frame at `start`, which may go beyond the data. None: the data end within its length."""
    begin = start + 2
    if begin > len(data):
        return None
    size, is_masked = data[start + 1] & 0x7F, data[start + 1] >= _MASKED
    if size > 125:
        begin += 2 if size == 126 else 8
        if begin > len(data):
            return None
        size = int.from_bytes(data[start + 2 : begin], "big")
    begin += _MASK_SIZE if is_masked else 0
    return FrameBounds(begin, begin + size, is_masked)


def whole_texts(data: bytes, start: int, max_bytes: int | None) -> tuple[list[slice], int]:
    """Find the payloads of the unmasked text frames from `start` on, up to a frame that is incomplete, of another kind,
    longer than `max_bytes`, or of 64 KiB or more. Return their positions, and the start of that frame.

    Asterisk sends hardly anything else, and this is the innermost loop of a recording: it calls nothing.
    """
    payloads = []
    last_head = len(data) - 4
    while start <= last_head and data[start] == TEXT:
        size, begin = data[start + 1], start + 2
        if size == 126:
            size, begin = data[begin] << 8 | data[begin + 1], begin + 2
        elif size > 126:
            break
        end = begin + size
        if end > len(data) or (max_bytes is not None and size > max_bytes):
            break
        payloads.append(slice(begin, end))
        start = end
    return payloads, start


def server_frames(messages: Iterable[tuple[int, bytes]]) -> bytes:
    """Write messages as unmasked frames, as a server sends them. Each is the first byte of its frame and its payload.

    The framing of `websockets` takes ten times as long.
    """
    parts: list[bytes] = []
    for first, payload in messages:
        size = len(payload)
        if size < 126:
            parts += (bytes((first, size)), payload)
        elif size < 65536:
            parts += (_MEDIUM.pack(first, 126, size), payload)
        else:
            parts += (_LONG.pack(first, 127, size), payload)
    return b"".join(parts)
