"""The receiving end of an ARI's WebSocket: whole text frames are taken straight from the socket's data.

Asterisk sends every event as one unmasked, unfragmented text frame. They are cut out of the socket's data, a
hundred at a time. Any other frame (control, fragment, binary, masked, of 64 KiB or more) goes to `websockets`, one by
one, so that only the library implements the protocol. Text is not decoded here: the recorder checks that it is UTF-8.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import State

from arirecord.websocket_frames import frame_bounds, whole_texts

__all__ = ["EventStream"]

Take = Callable[[bytes, Sequence[slice]], None]
"""Receives the data of one read, and the positions of the messages in it."""

_LONGEST_HEAD = 1 << 16
_READ = 1 << 16

_PAUSE_S = 0.003
"""Pause after a read, so that frames which arrive close together are read together. The first
frame after a silence is read when it arrives, each further one at most 3 ms later.
"""

_BREATH_S = 0.001
"""Pause after each 64 KiB of a flood while the recorder is behind. A hundred thousand frames a second are still
read, thirty times Asterisk's highest rate.
"""


class EventStream(ClientConnection):
    """A `ClientConnection` that passes messages to the function given to `start`, in order and at once: all messages of
    one read in one call, not yet split, since the recorder's thread has time for that.

    Use it as `connect(…, create_connection=EventStream)`. Messages before `start` wait for it. `recv` never returns: it
    raises `ConnectionClosed` when the connection is over.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tail = b""
        self._fragments: list[bytes] = []
        self._early: list[tuple[bytes, Sequence[slice]]] = []
        self._take: Take = lambda data, places: self._early.append((data, places))
        self._is_behind: Callable[[], bool] = lambda: False
        self._heard_s = time.monotonic()
        self._is_read_directly = False

    async def keepalive(self) -> None:
        """Ping a silent server, and close the connection if it stays silent. The library runs this instead of its own.

        A server that sends is alive, although its answer to a ping can wait behind a flood of events.
        """
        assert self.ping_interval is not None and self.ping_timeout is not None
        while True:
            silent_s = time.monotonic() - self._heard_s
            if silent_s < self.ping_interval:
                await asyncio.sleep(self.ping_interval - silent_s)
                continue
            pinged_s = time.monotonic()
            await self.ping()
            await asyncio.sleep(self.ping_timeout)
            if self._heard_s < pinged_s:
                await self.close(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")

    def start(self, take: Take, is_behind: Callable[[], bool] = lambda: False) -> None:
        """Pass messages to `take` from now on, first those that arrived before. `is_behind` returns whether its backlog
        is large.
        """
        self._is_behind = is_behind
        for data, places in self._early:
            take(data, places)
        self._early.clear()
        self._take = take
        read_directly = getattr(asyncio.get_running_loop(), "read_directly", None)  # only our event loop has it
        if read_directly and self.transport.get_extra_info("sslcontext") is None:
            self._is_read_directly = True
            self._fd = self.transport.get_extra_info("socket").fileno()
            read_directly(self._fd, self._read)

    def _read(self) -> bool:
        """Read as asyncio's transport does. False: the transport must read itself, and report the error."""
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return True
        except OSError:
            return False
        try:
            self.data_received(data)
        except Exception as error:
            self.loop.call_exception_handler({"message": "an event stream could not be taken", "exception": error})
            self.transport.abort()
        time.sleep(_pause_s(len(data), self._is_behind()))  # 3 ms at most; the loop has nothing else to do
        return bool(data)

    def _pause_reading(self, pause_s: float) -> None:
        """Pause as `_read` does by sleeping, on an event loop that reads the socket itself."""
        if pause_s:
            self.transport.pause_reading()
            self.loop.call_later(pause_s, self.transport.resume_reading)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop with the socket's data."""
        self._heard_s = time.monotonic()
        if not self._is_read_directly:
            self._pause_reading(_pause_s(len(data), self._is_behind()))
        data, self._tail = self._tail + data, b""
        here = self._through_handshake(data) if self.response is None else 0
        if here is None:
            self._tail = data
            return
        longest = self.protocol.max_message_size
        while self.protocol.state is State.OPEN and here < len(data):
            if not self._fragments:
                places, here = whole_texts(data, here, longest)
                if places:
                    self._take(data, places)
            end = _end(data, here, longest)
            if end is None:
                break  # the library refuses it
            if end > len(data):
                self._tail = data[here:]
                return
            super().data_received(data[here:end])
            here = end
        if here < len(data):
            super().data_received(data[here:])

    def _through_handshake(self, data: bytes) -> int | None:
        """Pass the head of the response to the library, without the data after it; None: the head is incomplete."""
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(data) < _LONGEST_HEAD:
                return None
            end = len(data)
        super().data_received(data[:end])
        return end

    def process_event(self, event: Any) -> None:
        """Called by the library with a parsed frame: messages are assembled here, the library handles the rest."""
        if self.response is None or not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        self._fragments.append(bytes(event.data))
        if event.fin:
            whole = b"".join(self._fragments)
            self._fragments.clear()
            self._take(whole, [slice(0, len(whole))])


def _pause_s(size: int, is_behind: bool) -> float:
    """Return the pause after a read of `size` bytes."""
    if 0 < size < _READ // 4:
        return _PAUSE_S
    return _BREATH_S if is_behind else 0


def _end(data: bytes, here: int, longest: int | None) -> int | None:
    """Return the end of the frame at `here`, beyond the data if it is not known yet; None for an invalid frame."""
    frame = frame_bounds(data, here)
    if frame is None:
        return len(data) + 1
    is_refused = frame.is_masked or (longest is not None and frame.end - frame.begin > longest)
    return None if is_refused else frame.end
