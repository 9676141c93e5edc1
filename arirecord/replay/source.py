"""Reading a session ahead of the player, in a thread, so that the disk never holds up the event loop."""

import asyncio
from itertools import islice

import pyarrow as pa

from arirecord.session.reader import Frame, Session

from .options import ReplayError
from .player import timeline

__all__ = ["Source"]

_CHUNK = 1024
_CHUNKS = 4


class Source:
    """The frames of a session in chunks. `run` is the task that reads; few chunks wait, so memory is bounded."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._chunks: asyncio.Queue[list[Frame]] = asyncio.Queue(_CHUNKS)

    async def run(self) -> None:
        """Read until the end. Raises `ReplayError` where the session is damaged."""
        session = self.session
        # Frames are what came over the wire. REST exchanges come along because they tell what was up; what
        # arirecord itself noted about the connection is not replayed.
        frames = timeline(session.frames(kinds=("event", "binary", "rest")), session.header.started_ns)
        try:
            while chunk := await asyncio.to_thread(lambda: list(islice(frames, _CHUNK))):
                await self._chunks.put(chunk)
        except (pa.ArrowException, OSError) as error:
            raise ReplayError(f"{session.path} can't be read on: {error}") from error
        await self._chunks.put([])

    @property
    def waiting(self) -> bool:
        """Whether a chunk can be had at once."""
        return not self._chunks.empty()

    async def get(self) -> list[Frame]:
        """The next chunk; empty at the end, once."""
        return await self._chunks.get()
