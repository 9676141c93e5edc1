"""Statistics of a running recorder."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

__all__ = ["Stats"]


@dataclass(slots=True)
class Stats:
    """Statistics of a recorder. `events` are in a journal, `lost_count` events and REST exchanges are not.

    `channels_up` are channels that were created and not yet destroyed; `trouble` is the current fault.
    """

    events: int = 0
    frame_bytes: int = 0
    lost_count: int = 0
    gap_count: int = 0
    parts: int = 1
    channels_up: set[str] = field(default_factory=set)
    trouble: str | None = None

    def note(self, texts: Sequence[bytes], *, with_channels: bool) -> None:
        """Count recorded events; `with_channels` also counts channels, which reads every event."""
        self.events += len(texts)
        self.frame_bytes += sum(map(len, texts))
        if with_channels:
            for data in texts:
                if (begin := data.find(b'"Channel', 0, 256)) >= 0:  # Asterisk puts the type near the front
                    self._note_channel(data, data[begin : begin + 16])

    def _note_channel(self, data: bytes, begin: bytes) -> None:
        """Count for a gauge only: it can be wrong if the type is at another position."""
        if begin not in (b'"ChannelCreated"', b'"ChannelDestroye'):
            return
        with suppress(ValueError, KeyError, TypeError):
            event = orjson.loads(data)
            if event["type"] == "ChannelCreated":
                self.channels_up.add(event["channel"]["id"])
            elif event["type"] == "ChannelDestroyed":
                self.channels_up.discard(event["channel"]["id"])
