"""Copies of a stream: clients that receive an app's events and cannot disturb the app."""

import logging
from collections.abc import Callable, Collection

from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from arirecord.json_text import json_object

from .endpoint import Endpoint
from .event_stream import ObservedStream
from .frames import CLOSE, Message, message_frame

__all__ = ["FanOut", "FanOutCopy"]

_NO_LOG = logging.Logger("arirecord.tap.fan_out", logging.CRITICAL)  # websockets would log the password of a handshake


class FanOutCopy:
    """One reader: a WebSocket that the tap itself serves. Its messages are ignored."""

    def __init__(self, side: Endpoint, applications: Collection[str], stream: ObservedStream, handshake: bytes) -> None:
        """`handshake` is its request, which is answered."""
        self.applications = frozenset(applications)
        self.side = side
        self.peer = side.peer
        self._protocol = ServerProtocol(
            select_subprotocol=lambda _, offered: next((name for name in offered if name == stream.subprotocol), None),
            max_size=1 << 24,
            logger=_NO_LOG,
        )
        self._protocol.receive_data(handshake)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent to it."""
        return self.side.is_open and self._protocol.state is OPEN

    def received(self, data: bytes) -> None:
        """Parse its bytes: pings and the Close frame are answered."""
        self._protocol.receive_data(data)
        self._protocol.events_received()
        self._flush()

    def ended(self) -> None:
        """The reader sends no more."""
        self._protocol.receive_eof()
        self._flush()

    def close(self, code: int, reason: str) -> None:
        """Send a Close frame."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.side.write(data)
            else:
                self.side.close()


class FanOut:
    """All copies. A copy that leaves more than `max_behind_bytes` unread is cut, and the cut is reported.

    A copy belongs to its applications, not to a connection: when the app disconnects, the copy waits for its return. A
    closed copy would reconnect, perhaps sooner than the app, and Asterisk would treat it as the app.
    """

    def __init__(self, max_behind_bytes: int, say: Callable[[str], None]) -> None:
        self.all: list[FanOutCopy] = []
        self._max_behind_bytes = max_behind_bytes
        self._say = say

    def add(self, copy: FanOutCopy) -> None:
        self.all.append(copy)
        self._say(f"{copy.peer} reads a copy of {_names(copy)}; what it sends is ignored.")

    def remove(self, copy: FanOutCopy) -> None:
        if copy not in self.all:
            return
        self.all.remove(copy)
        self._say(f"The copy of {_names(copy)} for {copy.peer} has gone.")

    def send(self, stream: ObservedStream, message: Message) -> None:
        """Send a message of a stream to its copies."""
        if not self.all or message.opcode is CLOSE:
            return
        frame = message_frame(message)
        for copy in self.all:
            if copy.is_open and _is_for(copy, stream, message):
                copy.side.write(frame)
                if copy.side.behind_bytes > self._max_behind_bytes:
                    self._say(f"The copy of {_names(copy)} for {copy.peer} does not read: it is CUT.")
                    copy.side.reset()


def _is_for(copy: FanOutCopy, stream: ObservedStream, message: Message) -> bool:
    if copy.applications.issuperset(stream.applications):
        return True
    if copy.applications.isdisjoint(stream.applications):
        return False
    return json_object(message.data).get("application") in copy.applications


def _names(copy: FanOutCopy) -> str:
    return repr(",".join(sorted(copy.applications)))
