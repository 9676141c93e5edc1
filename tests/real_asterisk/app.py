"""A small ARI application, scripted by a test."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .phone import eventually
from .switch import Asterisk

__all__ = ["App"]

Event = dict[str, Any]


class App:
    """The Stasis application that extensions 5xx lead to. `events` are all that its socket got."""

    def __init__(self, asterisk: Asterisk) -> None:
        self.asterisk = asterisk
        self.events: list[Event] = []
        self._taken: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def of(cls, asterisk: Asterisk) -> "AsyncIterator[App]":
        token = base64.b64encode(f"{asterisk.user}:{asterisk.password}".encode()).decode()
        async with (
            connect(
                f"ws://127.0.0.1:{asterisk.http_port}/ari/events?app={asterisk.app}",
                additional_headers={"Authorization": f"Basic {token}"},
                compression=None,
            ) as connection,
            asyncio.TaskGroup() as tasks,
        ):
            app = cls(asterisk)
            reading = tasks.create_task(app._read(connection))
            yield app
            reading.cancel()

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for frame in connection:
                self.events.append(json.loads(frame))
        except ConnectionClosed:
            pass

    async def event(self, event_type: str) -> Event:
        """The first event of a type that was not returned before; waits for it."""

        def new() -> list[int]:
            return [i for i, event in enumerate(self.events) if event["type"] == event_type and i not in self._taken]

        await eventually(new, f"the application hears of {event_type}")
        found = new()[0]
        self._taken.add(found)
        return self.events[found]

    async def caller(self) -> str:
        """The id of the next channel that comes in, answered."""
        channel = str((await self.event("StasisStart"))["channel"]["id"])
        await self.request("POST", f"channels/{channel}/answer")
        return channel

    async def request(self, method: str, path: str, **query: object) -> Any:
        """One REST request, as `Asterisk.ari`."""
        return await asyncio.to_thread(self.asterisk.ari, method, path, **query)
