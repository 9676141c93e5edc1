"""What a recorder has seen so far."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

__all__ = ["Stats"]


@dataclass(slots=True)
class Stats:
    """What the recorder has seen so far. `channels_up` are those it saw created and not yet destroyed; `trouble` says
    what is wrong right now.
    """

    events: int = 0
    frame_bytes: int = 0
    lost_count: int = 0
    gap_count: int = 0
    parts: int = 1
    channels_up: set[str] = field(default_factory=set)
    trouble: str | None = None

    def note(self, texts: Sequence[bytes], *, with_channels: bool) -> None:
        """Note events that were kept; `with_channels`, whose channels came and went: that takes a look at every one."""
        self.frame_bytes += sum(map(len, texts))
        if with_channels:
            for data in texts:
                if (found := data.find(b'"Channel', 0, 256)) >= 0:  # Asterisk puts the type near the front
                    self._note_channel(data, data[found : found + 16])

    def _note_channel(self, data: bytes, what: bytes) -> None:
        """For a gauge only, which may be wrong where the type stands elsewhere."""
        if what not in (b'"ChannelCreated"', b'"ChannelDestroye'):
            return
        with suppress(ValueError, KeyError, TypeError):
            event = orjson.loads(data)
            if event["type"] == "ChannelCreated":
                self.channels_up.add(event["channel"]["id"])
            elif event["type"] == "ChannelDestroyed":
                self.channels_up.discard(event["channel"]["id"])
