"""WebSocket parser for observed bytes, and the tap's own frames."""

from collections.abc import Iterator
from typing import NamedTuple

from websockets.exceptions import WebSocketException
from websockets.frames import Close, Frame, Opcode
from websockets.utils import apply_mask

from arirecord.websocket_frames import FINAL, frame_bounds, server_frames

from .http import Unparsable

__all__ = ["CLOSE", "Message", "MessageReader", "close_frame", "message_frame", "parse_close"]

CLOSE = Opcode.CLOSE
_CONTROL = 0x8
_RESERVED = 0x70


class Message(NamedTuple):
    """A text or binary message, complete, or a Close frame."""

    opcode: Opcode
    data: bytes


class MessageReader:
    """Finds the messages in one direction of a WebSocket.

    Messages longer than `max_bytes` are skipped; `skipped` counts them.
    """

    def __init__(self, max_bytes: int = 64 << 20) -> None:
        self.skipped = 0
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._skip = 0
        self._opcode: Opcode | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._is_too_long = False

    @property
    def is_between_frames(self) -> bool:
        """Whether all frames so far are complete: another frame can be inserted here."""
        return not self._buffer and not self._skip

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that these bytes complete. Raises `Unparsable` for compressed or other data."""
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        self._buffer += data
        start = 0
        try:
            while (frame := self._frame(start)) is not None:
                first, payload, start = frame
                message = self._message(first, payload)
                if message is not None:
                    yield message
        finally:
            del self._buffer[:start]

    def _frame(self, start: int) -> tuple[int, bytes | None, int] | None:
        """The frame at `start`: first byte, payload, end. A frame that is too long has None for the payload."""
        buffer = self._buffer
        if start < len(buffer) and buffer[start] & _RESERVED:
            raise Unparsable("it is compressed")
        frame = frame_bounds(buffer, start)
        if frame is None:
            return None
        first, begin, end = buffer[start], frame.begin, frame.end
        if end - begin > self._max_bytes:
            passed = min(end, len(buffer))
            self._skip = end - passed
            return first, None, passed
        if end > len(buffer):
            return None
        payload = bytes(buffer[begin:end])
        if frame.is_masked:
            payload = apply_mask(payload, buffer[begin - 4 : begin])
        return first, payload, end

    def _message(self, first: int, payload: bytes | None) -> Message | None:
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise Unparsable("not a WebSocket") from None
        if opcode & _CONTROL:
            return Message(opcode, payload or b"") if opcode is CLOSE else None
        if opcode is not Opcode.CONT:
            self._opcode, self._is_too_long, self._size = opcode, False, 0
            self._parts.clear()
        self._size += len(payload or b"")
        if payload is None or self._size > self._max_bytes:
            self._is_too_long = True
            self._parts.clear()
        elif not self._is_too_long:
            self._parts.append(payload)
        if not first & FINAL or self._opcode is None:
            return None
        if self._is_too_long:
            self.skipped += 1
            return None
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        return Message(self._opcode, data)


def close_frame(code: int, reason: str, *, mask: bool) -> bytes:
    """A Close frame; masked if a client sends it."""
    return Frame(CLOSE, Close(code, reason).serialize()).serialize(mask=mask)


def message_frame(message: Message) -> bytes:
    """A message as one frame of a server."""
    return server_frames([(FINAL | message.opcode, message.data)])


def parse_close(data: bytes) -> tuple[int, str]:
    """Code and reason of a Close frame; 1005 if it has none."""
    try:
        close = Close.parse(data)
    except (WebSocketException, UnicodeDecodeError):
        return 1002, ""
    return close.code, close.reason
