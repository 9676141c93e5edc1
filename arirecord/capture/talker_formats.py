"""Request the own format of each channel that talks: no event has its sample rate, without which the end of speech can
be 0.2 s wrong (table `turns`).
"""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from arirecord.asterisk.channel_names import snooped_id
from arirecord.json_text import json_object

from .rest_snapshots import RestRecorder

__all__ = ["TalkerFormats"]

_SIGN = b'"ChannelTalkingStarted"'
_MOST_WAITING = 1000
_MOST_REMEMBERED = 100_000
_PAUSE_S = 1
"""Time without further requests after one without a response: each is a row of the recording."""


class TalkerFormats:
    """Requests the format of a channel when talk detection first reports its speech; for a Snoop, that of the channel
    to which it listens. A request without a response is made again at the channel's next speech. One request is made at
    a time, and a channel is left out while 1,000 are waiting.
    """

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._seen: dict[str, None] = {}

    def notice(self, data: bytes, places: Sequence[slice]) -> None:
        """Find channels that begin to talk in the frames at these positions of the data."""
        if _SIGN not in data:
            return
        for place in places:
            frame = data[place]
            event = json_object(frame) if _SIGN in frame else {}
            channel = event.get("channel")
            if event.get("type") == "ChannelTalkingStarted" and isinstance(channel, dict):
                self._add(snooped_id(str(channel.get("name"))) or channel.get("id"))

    def _add(self, channel_id: object) -> None:
        if not isinstance(channel_id, str) or not channel_id or channel_id in self._seen or self._waiting.full():
            return
        if len(self._seen) == _MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[channel_id] = None
        self._waiting.put_nowait(channel_id)

    async def send(self, rest: RestRecorder) -> None:
        """Make the requests, without end."""
        while True:
            channel_id, response = await self._waiting.get(), None
            path = f"/channels/{quote(channel_id, safe='')}/variable?variable=CHANNEL(audionativeformat)"
            try:
                response = await rest.ask("GET", path)
            finally:  # also if the connection is lost meanwhile
                if response is None:
                    self._seen.pop(channel_id, None)
            if response is None:
                await asyncio.sleep(_PAUSE_S)
