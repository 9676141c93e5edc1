"""The receiving end of an ARI's WebSocket: whole text frames are taken straight from the socket's data.

Asterisk sends every event as one unmasked, unfragmented text frame. These are cut out of what the socket gives, a
hundred at a time; any other frame (control, fragment, binary, masked, too long) goes to `websockets`, one by one, so
that the protocol is spoken in one place. Text is not decoded here: who keeps it looks whether it is UTF-8.
"""

from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import State

__all__ = ["EventStream"]

_LONGEST_HEAD = 1 << 16
_WHOLE_TEXT = 0x81  # FIN and opcode 1 (RFC 6455, 5.2)


class EventStream(ClientConnection):
    """A `ClientConnection` that hands each message, as bytes, to the function given to `start`, in order and at once.

    Use it as `connect(…, create_connection=EventStream)`. Messages before `start` wait for it. `recv` never returns: it
    raises `ConnectionClosed` when the connection is over.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tail = b""
        self._fragments: list[bytes] = []
        self._early: list[bytes] = []
        self._take: Callable[[bytes], None] = self._early.append

    def start(self, take: Callable[[bytes], None]) -> None:
        """Hand messages to `take` from now on, first those that came before."""
        for message in self._early:
            take(message)
        self._early.clear()
        self._take = take

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with what the socket gives."""
        data, self._tail = self._tail + data, b""
        here = self._through_handshake(data) if self.response is None else 0
        if here is None:
            self._tail = data
            return
        size, longest = len(data), self.protocol.max_message_size
        while self.protocol.state is State.OPEN:
            if size - here < 2:
                self._tail = data[here:]
                return
            length, body = data[here + 1], here + 2
            if length == 126:
                length, body = int.from_bytes(data[body : body + 2]), body + 2
            elif length == 127:
                length, body = int.from_bytes(data[body : body + 8]), body + 8
            elif length > 127:
                break  # masked: the library refuses it
            end = body + length
            if body <= size and longest is not None and length > longest:
                break  # too long: the library refuses it
            if body > size or end > size:
                self._tail = data[here:]
                return
            if data[here] == _WHOLE_TEXT and not self._fragments:
                self._take(data[body:end])
            else:
                super().data_received(data[here:end])
            here = end
        if here < size:
            super().data_received(data[here:])

    def _through_handshake(self, data: bytes) -> int | None:
        """Give the library the head of the answer, and nothing that may follow it; None: the head is not all there."""
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(data) < _LONGEST_HEAD:
                return None
            end = len(data)
        super().data_received(data[:end])
        return end

    def process_event(self, event: Any) -> None:
        """Called by the library with what it parsed: messages are put together here, the rest is its own."""
        if self.response is None or not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        self._fragments.append(bytes(event.data))
        if event.fin:
            whole = b"".join(self._fragments)
            self._fragments.clear()
            self._take(whole)
