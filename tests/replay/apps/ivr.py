"""A telephone menu over ARI, as people write them. It knows nothing of arirecord.

    ARI_URL=http://127.0.0.1:8088/ari ARI_USER=… ARI_PASSWORD=… ARI_APP=menu python ivr.py [--websocket]

A caller hears a prompt and presses keys up to `#`: 1 leads to 1002 and 2 to 1003, 9 to a goodbye, anything else to the
prompt again. It chooses the ids of playbacks and of the channels it dials itself, and takes those of bridges from
Asterisk. With `--websocket` it asks over the WebSocket instead of over HTTP.
"""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from websockets.asyncio.client import ClientConnection, connect

PROMPT = "sound:vm-enter-num-to-call"
GOODBYE = "sound:vm-goodbye"
SORRY = "sound:vm-sorry"
DIRECTORY = {"1": "1002", "2": "1003"}

Event = dict[str, Any]
Send = Callable[[str, str, dict[str, str], dict[str, Any] | None], Awaitable[tuple[int, str]]]


@dataclass
class Caller:
    """One call to the menu."""

    channel: str
    digits: str = ""
    prompt: str = ""
    goodbye: str = ""
    other: str = ""
    bridge: str = ""


class Menu:
    """All calls; `channels` finds the caller that a channel belongs to."""

    def __init__(self, send: Send, app: str) -> None:
        self.send, self.app = send, app
        self.channels: dict[str, Caller] = {}

    async def ask(self, method: str, *path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        """One REST request; the decoded answer, None where it is empty or an error."""
        status, answer = await self.send(method, "/".join(quote(part, safe="") for part in path), query, body)
        return json.loads(answer) if status < 300 and answer else None

    async def handle(self, event: Event) -> None:
        kind = event["type"]
        if kind == "PlaybackFinished":
            await self.played(event["playback"]["id"])
            return
        if (channel := event.get("channel", {}).get("id")) is None:
            return
        if kind == "StasisStart" and event["args"][:1] == ["dialled"]:
            await self.connect(self.channels[channel])
        elif kind == "StasisStart":
            await self.begin(channel)
        elif caller := self.channels.get(channel):
            if kind == "ChannelDtmfReceived":
                await self.pressed(caller, event["digit"])
            elif kind in ("StasisEnd", "ChannelDestroyed"):
                await self.end(caller, channel)

    async def begin(self, channel: str) -> None:
        caller = self.channels[channel] = Caller(channel)
        await self.ask("POST", "channels", channel, "answer")
        await self.ask("GET", "channels", channel, "variable", variable="CALLERID(num)")
        caller.prompt = await self.play(caller, PROMPT)

    async def play(self, caller: Caller, media: str) -> str:
        playback = str(uuid.uuid4())
        await self.ask("POST", "channels", caller.channel, "play", playback, media=media)
        return playback

    async def pressed(self, caller: Caller, digit: str) -> None:
        if caller.prompt:
            playing, caller.prompt = caller.prompt, ""
            await self.ask("DELETE", "playbacks", playing)
        if caller.other or caller.goodbye:
            return
        if digit != "#":
            caller.digits += digit
            return
        chosen, caller.digits = caller.digits, ""
        await self.ask("POST", "channels", caller.channel, "variable", variable="CHOSEN", value=chosen)
        if number := DIRECTORY.get(chosen):
            await self.transfer(caller, number)
        elif chosen == "9":
            caller.goodbye = await self.play(caller, GOODBYE)
        else:
            caller.prompt = await self.play(caller, SORRY)

    async def transfer(self, caller: Caller, number: str) -> None:
        caller.other = str(uuid.uuid4())
        self.channels[caller.other] = caller
        await self.ask("POST", "channels", caller.channel, "ring")
        wanted = {
            "endpoint": f"PJSIP/{number}",
            "app": self.app,
            "appArgs": f"dialled,{caller.channel}",
            "channelId": caller.other,
            "originator": caller.channel,
            "variables": {"CHANNEL(language)": "en"},
        }
        await self.ask("POST", "channels", body=wanted)

    async def connect(self, caller: Caller) -> None:
        await self.ask("DELETE", "channels", caller.channel, "ring")
        bridge = await self.ask("POST", "bridges", type="mixing", name="menu")
        caller.bridge = bridge["id"] if bridge else ""
        await self.ask("POST", "bridges", caller.bridge, "addChannel", channel=f"{caller.channel},{caller.other}")

    async def played(self, playback: str) -> None:
        for caller in {id(caller): caller for caller in self.channels.values()}.values():
            if playback == caller.goodbye:
                await self.ask("DELETE", "channels", caller.channel, reason="normal")

    async def end(self, caller: Caller, channel: str) -> None:
        """One side has gone: the other goes too, and the bridge."""
        del self.channels[channel]
        rest = caller.other if channel == caller.channel else caller.channel
        if rest in self.channels:
            await self.ask("DELETE", "channels", rest)
        if caller.bridge:
            bridge, caller.bridge = caller.bridge, ""
            await self.ask("DELETE", "bridges", bridge)


class Socket:
    """The WebSocket: events wait in a queue while a request over it waits for its answer."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.waiting: dict[str, asyncio.Future[Event]] = {}

    async def read(self) -> None:
        async for frame in self.connection:
            event = json.loads(frame)
            if event["type"] == "RESTResponse":
                self.waiting.pop(event["request_id"]).set_result(event)
            else:
                self.events.put_nowait(event)
        self.events.put_nowait(None)

    async def ask(self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None) -> tuple[int, str]:
        request: dict[str, Any] = {
            "type": "RESTRequest",
            "request_id": str(uuid.uuid4()),
            "method": method,
            "uri": path,
        }
        request["query_strings"] = [{"name": name, "value": value} for name, value in query.items()]
        if body is not None:
            request |= {"content_type": "application/json", "message_body": json.dumps(body)}
        answer = self.waiting[request["request_id"]] = asyncio.get_running_loop().create_future()
        await self.connection.send(json.dumps(request))
        found = await answer
        return found["status_code"], found.get("message_body", "")


async def main() -> None:
    url, app = os.environ["ARI_URL"], os.environ.get("ARI_APP", "menu")
    user, password = os.environ.get("ARI_USER", ""), os.environ.get("ARI_PASSWORD", "")
    events = url.replace("http", "ws", 1) + "/events?" + urlencode({"app": app, "api_key": f"{user}:{password}"})
    async with (
        httpx2.AsyncClient(base_url=url + "/", auth=(user, password), trust_env=False) as http,
        connect(events, compression=None, proxy=None) as connection,
        asyncio.TaskGroup() as tasks,
    ):

        async def ask(method: str, path: str, query: dict[str, str], body: dict[str, Any] | None) -> tuple[int, str]:
            answer = await http.request(method, path, params=query, json=body)
            return answer.status_code, answer.text

        socket = Socket(connection)
        tasks.create_task(socket.read())
        menu = Menu(socket.ask if "--websocket" in sys.argv else ask, app)
        while (event := await socket.events.get()) is not None:
            await menu.handle(event)


if __name__ == "__main__":
    asyncio.run(main())
