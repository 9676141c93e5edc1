"""All media channels of a replay: made known by responses to clients and by events, ended by requests and events."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.websockets import WebSocket

from arirecord.json_text import json_object
from arirecord.replay.rest_handler import ClientExchange
from arirecord.session.reader import Frame

from .audio import Audio
from .media_channel import MediaChannel, described_channel, dialplan_leg
from .media_socket import serve_media
from .media_targets import send_audio

__all__ = ["MediaChannels"]

_CREATE: Final = {"create", "externalMedia", "originate", "originateWithId"}
_SHOWING_LEGS: Final = {"ChannelVarset", "ChannelDialplan", "Dial"}
_ENDING: Final = {"ChannelDestroyed", "ChannelDialplan"}
_VARIABLE: Final = "MEDIA_WEBSOCKET_CONNECTION_ID"


class MediaChannels:
    """Serves `/media/ID` and sends audio to targets.

    `media` is `silence`, `none`, the path of a WAV file, or None: silence for WebSockets, and nothing for targets.
    `say` receives messages for the user, `on_exchange` every exchange. Raises `ReplayError` for a file that is not a
    WAV file.
    """

    def __init__(
        self,
        media: str | None,
        say: Callable[[str], None],
        on_exchange: Callable[[ClientExchange], object] | None = None,
    ) -> None:
        self._on_exchange = on_exchange
        self._audio = None if media == "none" else Audio(None if media in (None, "silence") else Path(str(media)))
        self._has_targets = media not in (None, "none")
        self._say = say
        self._channels: dict[str, MediaChannel] = {}
        self._started: asyncio.Queue[MediaChannel] = asyncio.Queue()

    def __bool__(self) -> bool:
        return bool(self._channels)

    def describe(self) -> list[dict[str, Any]]:
        """The state of all channels for the control API."""
        return [channel.describe() for channel in self._channels.values()]

    def note(self, exchange: ClientExchange) -> None:
        """Take the response to a client: it may have created or ended a media channel, or name its connection."""
        if self._on_exchange is not None:
            self._on_exchange(exchange)
        operation, status = exchange.key.operation, exchange.response.status
        if operation.resource != "channels" or status >= 300:
            return
        channel_id = dict(exchange.key.path_ids).get("channelId", "")
        if operation.name == "hangup":
            self.end(channel_id)
        elif operation.name in _CREATE:
            channel = described_channel(exchange.request.parameters, json_object(exchange.response.content))
            if channel is not None:
                self._add(channel)
        elif exchange.request.parameters.get("variable") == _VARIABLE and channel_id in self._channels:
            self._channels[channel_id].connection_id = str(json_object(exchange.response.content).get("value", ""))

    def take(self, frames: Sequence[Frame]) -> None:
        """Take frames that are sent: they may show legs that the dialplan makes, or end channels."""
        for frame in frames:
            # WebSocket and AudioSocket; few other events are parsed.
            if frame.type in _SHOWING_LEGS and "Socket" in frame.raw and (leg := dialplan_leg(frame)):
                self._add(leg)
            elif self._channels and frame.type in _ENDING:
                self._end_by(frame)

    def _end_by(self, frame: Frame) -> None:
        channel = json_object(frame.raw).get("channel")
        channel_id = str(channel.get("id", "")) if isinstance(channel, dict) else ""
        known = self._channels.get(channel_id)
        if known is not None and (frame.type == "ChannelDestroyed" or known.is_application):
            known.ended.set()

    def _add(self, channel: MediaChannel) -> None:
        """Add a channel. Several events, and the response to a client, can show one: each has a part of it."""
        known = self._channels.get(channel.channel_id)
        if known is not None and not known.ended.is_set():
            known.connection_id = known.connection_id or channel.connection_id
            if channel.has_format:
                known.codec, known.is_json, known.has_format = channel.codec, channel.is_json, True
            return
        self._channels[channel.channel_id] = channel
        if self._has_targets and channel.target and channel.transport != "websocket":
            self._started.put_nowait(channel)

    def end(self, channel_id: str) -> None:
        """The channel with this recorded id is gone."""
        if channel_id in self._channels:
            self._channels[channel_id].ended.set()

    async def serve(self, websocket: WebSocket, connection_id: str, client_id: Callable[[str], str]) -> bool:
        """Serve the WebSocket of a channel that is not gone. False: no channel has this connection.

        `client_id` returns the client's id of a recorded channel.
        """
        known = (one for one in self._channels.values() if one.connection_id == connection_id)
        channel = next((one for one in known if connection_id and not one.ended.is_set()), None)
        if channel is None:
            return False
        frames = None if self._audio is None else self._audio.frames(channel.codec)
        await serve_media(websocket, channel, client_id(channel.channel_id), frames)
        return True

    async def run(self) -> None:
        """Send audio to the targets of channels as they come."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                channel = await self._started.get()
                if self._audio is not None:
                    tasks.create_task(send_audio(channel, self._audio, self._say))
