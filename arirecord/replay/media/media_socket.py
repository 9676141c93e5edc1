"""The WebSocket `/media/ID` of chan_websocket, as Asterisk 22 serves it."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from itertools import chain, repeat
from typing import Any, Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from .audio import PTIME_S
from .media_channel import MediaChannel

__all__ = ["serve_media"]

_FULL, _XOFF, _XON = 1000, 900, 800

# Asterisk refuses these where frames have no fixed size.
_QUEUED: Final = {
    *("START_MEDIA_BUFFERING", "STOP_MEDIA_BUFFERING", "MARK_MEDIA", "FLUSH_MEDIA", "REPORT_QUEUE_DRAINED"),
    *("PAUSE_MEDIA", "CONTINUE_MEDIA"),
}


class _MediaQueue:
    """The queue of a channel: the client's frames, which are played at 20 ms each, and texts that follow them."""

    def __init__(self, channel: MediaChannel, channel_id: str) -> None:
        self._channel, self._channel_id = channel, channel_id
        self._items: deque[str | None] = deque()
        self._length = 0
        self._leftover = 0
        self._is_bulk = self._is_full = self._is_paused = self._reports_drained = False

    def text(self, event: str, fields: Mapping[str, Any]) -> str:
        """A message to the client, as plain text or JSON."""
        if self._channel.is_json:
            return orjson.dumps({"event": event, **fields}).decode()
        shown = (f"{name}:{str(value).lower() if isinstance(value, bool) else value}" for name, value in fields.items())
        return " ".join([event, *shown])

    def start(self) -> str:
        """The first message."""
        codec = self._channel.codec
        return self.text(
            "MEDIA_START",
            {
                "connection_id": self._channel.connection_id,
                "channel": self._channel.name,
                "channel_id": self._channel_id,
                "format": codec.name,
                "optimal_frame_size": codec.frame_bytes,
                "ptime": round(PTIME_S * 1000),
            },
        )

    def audio(self, data: bytes) -> Iterator[str]:
        """Take audio of the client; yield messages for it."""
        self._channel.receive(data)
        size = self._channel.codec.frame_bytes
        if not size or self._length >= _FULL:
            return
        count, rest = divmod((self._leftover if self._is_bulk else 0) + len(data), size)
        self._leftover = rest if self._is_bulk else 0
        self._items.extend([None] * count)
        self._length += count
        if not self._is_full and self._length >= _XOFF:
            self._is_full = True
            yield self._plain("MEDIA_XOFF")

    def command(self, text: str) -> Iterator[str]:
        """Take a command of the client; yield messages for it."""
        name, argument = self._parsed(text)
        if name is None:
            yield self._error("Unable to parse JSON command")
        elif name in _QUEUED and not self._channel.codec.frame_bytes:
            yield self._error(f"{name} not supported in passthrough mode")
        elif name == "START_MEDIA_BUFFERING":
            self._is_bulk = True
        elif name == "STOP_MEDIA_BUFFERING":
            self._items += [None] * bool(self._leftover)
            self._length += bool(self._leftover)
            self._is_bulk, self._leftover = False, 0
            self._items.append(self._followed("MEDIA_BUFFERING_COMPLETED", argument))
        elif name == "MARK_MEDIA":
            self._items.append(self._followed("MEDIA_MARK_PROCESSED", argument))
        elif name == "FLUSH_MEDIA":
            self._items.clear()
            self._length = self._leftover = 0
            self._is_bulk = False
        elif name == "REPORT_QUEUE_DRAINED":
            self._reports_drained = True
        elif name in ("PAUSE_MEDIA", "CONTINUE_MEDIA"):
            self._is_paused = name == "PAUSE_MEDIA"
        elif name == "GET_STATUS":
            yield self.text(
                "STATUS",
                {
                    "channel_id": self._channel_id,
                    "queue_length": self._length,
                    "xon_level": _XON,
                    "xoff_level": _XOFF,
                    "queue_full": self._is_full,
                    "bulk_media": self._is_bulk,
                    "media_paused": self._is_paused,
                },
            )

    def tick(self) -> Iterator[str]:
        """Play a frame; yield the messages that are due before it."""
        if self._is_paused:
            return
        if self._is_full and self._length < _XON:
            self._is_full = False
            yield self._plain("MEDIA_XON")
        if not self._items and self._reports_drained:
            self._reports_drained = False
            yield self._plain("QUEUE_DRAINED")
        while self._items and (text := self._items.popleft()) is not None:
            yield text
        else:
            self._length = max(0, self._length - 1)

    def is_hangup(self, text: str) -> bool:
        """Whether a command ends the channel."""
        return self._parsed(text)[0] == "HANGUP"

    def _parsed(self, text: str) -> tuple[str | None, str]:
        if not self._channel.is_json:
            name, _, argument = text.strip().partition(" ")
            return name, argument
        try:
            given = orjson.loads(text)
        except ValueError:
            return None, ""
        given = given if isinstance(given, dict) else {}
        return str(given.get("command", "")), str(given.get("correlation_id") or "")

    def _plain(self, event: str) -> str:
        return self.text(event, {"channel_id": self._channel_id} if self._channel.is_json else {})

    def _error(self, error_text: str) -> str:
        return self.text("ERROR", {"channel_id": self._channel_id, "error_text": error_text})

    def _followed(self, event: str, argument: str) -> str:
        if self._channel.is_json:
            return self.text(event, {"channel_id": self._channel_id, "correlation_id": argument})
        return f"{event} {argument}".rstrip()


async def serve_media(
    websocket: WebSocket, channel: MediaChannel, channel_id: str, frames: Iterator[bytes] | None
) -> None:
    """Serve a client's media connection until the channel or the client ends it. `channel_id` is the client's id.

    `frames` are sent, one each 20 ms; None: nothing is sent.
    """
    await websocket.accept("media" if "media" in websocket.scope.get("subprotocols", []) else None)
    queue = _MediaQueue(channel, channel_id)

    async def receive() -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (text := message.get("text")) is not None:
                if queue.is_hangup(text):
                    return
                replies = list(queue.command(text))
            else:
                replies = list(queue.audio(message.get("bytes") or b""))
            for reply in replies:
                await websocket.send_text(reply)

    async def play() -> None:
        next_s = time.monotonic()
        for frame in chain(frames or (), repeat(b"")):
            for text in queue.tick():
                await websocket.send_text(text)
            if frame:
                await websocket.send_bytes(frame)
                channel.sent_frames += 1
            next_s += PTIME_S
            await asyncio.sleep(max(0, next_s - time.monotonic()))

    async def until_gone(work: Coroutine[Any, Any, object]) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await work

    await websocket.send_text(queue.start())
    async with asyncio.TaskGroup() as tasks:
        own = [tasks.create_task(until_gone(work)) for work in (receive(), play(), channel.ended.wait())]
        await asyncio.wait(own, return_when=asyncio.FIRST_COMPLETED)
        for task in own:
            task.cancel()
    with suppress(RuntimeError, WebSocketDisconnect):  # the client has gone
        await websocket.close(1000)
