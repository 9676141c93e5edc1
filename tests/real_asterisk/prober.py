"""Somebody who asks Asterisk again and again what is up, through a tap, while calls go on."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import orjson
from websockets.asyncio.client import connect

from .switch import Asterisk

__all__ = ["prober"]

_ALWAYS = (
    *("/channels", "/bridges", "/endpoints", "/endpoints/PJSIP", "/endpoints/PJSIP/1001", "/deviceStates"),
    *("/applications", "/applications/rig", "/applications/rig", "/asterisk/info", "/asterisk/info?only=system"),
    *("/sounds?lang=en&format=gsm", "/applications/nosuch"),
    *("/channels/nosuch", "/bridges/nosuch", "/endpoints/PJSIP/nosuch", "/recordings/stored"),
)
_OF_CHANNEL = ("", "", "/variable?variable=CALLERID(num)", "/variable?variable=CHOSEN")


@asynccontextmanager
async def prober(asterisk: Asterisk, url: str, seed: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Hear everything as an application of its own, and ask at random instants, while in use.

    Gives a function that asks everything once: a busy machine may ask nothing at random while a call stands.
    """
    login = (asterisk.user, asterisk.password)
    token = base64.b64encode(":".join(login).encode()).decode()
    async with (
        httpx2.AsyncClient(base_url=url, auth=login, trust_env=False) as http,
        connect(
            url.replace("http", "ws", 1) + "/events?app=prober&subscribeAll=true",
            additional_headers={"Authorization": f"Basic {token}"},
            compression=None,
            proxy=None,
        ) as connection,
        asyncio.TaskGroup() as tasks,
    ):
        asking = _Prober(http, random.Random(seed))
        await http.get("/sounds")
        await asking.ask_all()
        running = [tasks.create_task(asking.listen(connection)), tasks.create_task(asking.ask())]
        yield asking.ask_all
        for task in running:
            task.cancel()


class _Prober:
    def __init__(self, http: httpx2.AsyncClient, choose: random.Random) -> None:
        self._http, self._choose = http, choose
        self._paths: list[str] = []

    async def listen(self, events: Any) -> None:
        """Learn from events what there is to ask about."""
        async for frame in events:
            event = orjson.loads(frame)
            for kind, resource, key in (
                ("channel", "channels", "id"),
                ("bridge", "bridges", "id"),
                ("playback", "playbacks", "id"),
                ("recording", "recordings/live", "name"),
            ):
                thing = event.get(kind)
                if isinstance(thing, dict) and key in thing:
                    path = f"/{resource}/{quote(thing[key], safe='')}"
                    if path in self._paths[-8:]:
                        self._paths.remove(path)
                    self._paths.append(path)

    async def ask_all(self) -> None:
        for path in _ALWAYS:
            await self._http.get(path)

    async def ask(self) -> None:
        lamp = 0
        while True:
            await asyncio.sleep(self._choose.uniform(0, 0.015))  # random instants are what this is about
            recent = self._paths[-8:]
            path = self._choose.choice(recent) if recent and self._choose.random() < 0.6 else ""
            if path.startswith("/channels/"):
                path += self._choose.choice(_OF_CHANNEL)
            await self._http.get(path or self._choose.choice(_ALWAYS))
            if self._choose.random() < 0.02:
                lamp += 1
                state = ("INUSE", "NOT_INUSE")[lamp % 2]
                await self._http.put("/deviceStates/Stasis:lamp", params={"deviceState": state})
