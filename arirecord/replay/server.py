"""The server that ARI clients connect to: sockets and tasks around a player."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from arirecord.session.reader import Frame, Session, open_session
from arirecord.session.rows import END_OF_RECORDING

from .access import Access
from .alarm import Alarm
from .client_log import ClientLog
from .clients import Client, Door
from .clock import PlayerClock
from .control import control
from .exchange import Answer, Question, error
from .listen import authority, listen
from .messages import ari_time, replaced
from .model import Model
from .options import ReplayError, ReplayOptions
from .player import Player
from .recorded import read_recorded
from .rest import Rest
from .rest_messages import answer_message
from .source import Source
from .uvicorn_server import web_server
from .web import Web

__all__ = ["ReplayServer", "Status"]

_LEAVE_S = 0.5
_EXIT_S = 10.0

# What is asked of these has nothing to do with what is up.
_STATELESS = ("api-docs", "applications", "events")


@dataclass(frozen=True, slots=True)
class Status:
    """How a replay is doing. `late_ns` is how late the latest frames went out, `frames` how many have."""

    position_ns: int
    frames: int
    clients: int
    late_ns: int
    finished: bool


class ReplayServer:
    """Replays a session to every ARI client that connects, while the `async with` block runs.

        async with ReplayServer("session.parquet", ReplayOptions(port=0, speed=10)) as server:
            await my_app.connect(server.url)
            await server.wait_end()

    Time runs while a client is there: it starts with the first, stands still while there is none, and a
    client that comes back goes on from there. All clients share one time; a later one joins where the others
    are, and takes the applications it asks for from those that have them, unless `share` is set. A client
    that does not read makes all wait, and nothing is dropped; frames that became due meanwhile follow at once.

    `say` gets sentences for the person who runs it; without, they go to the logger `arirecord.replay`. Raises
    `ReplayError` when it can't listen, and out of the block when the session can't be read on. For
    sub-millisecond lateness run it on an event loop made with `selectors.SelectSelector`.
    """

    def __init__(
        self,
        session: Session | str | Path,
        options: ReplayOptions | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.session = session if isinstance(session, Session) else open_session(session)
        self.options = options or ReplayOptions()
        self.clock = PlayerClock(self.options.speed)
        self.host = self.options.host
        self.port = self.options.port
        self._say = say or logging.getLogger("arirecord.replay").info
        self._player = Player(self.clock)
        self._source = Source(self.session, self.options)
        header = self.session.header
        self._asterisk_id = next(filter(None, header.asterisk_ids), "00:00:00:00:00:00")
        self._door = Door(
            header.applications, self._say, self._changed, self._message, self._replaced, self.options.share
        )
        self._model = Model(self._source)
        self._rest = Rest(
            read_recorded(self.session), self._model.switch, self._door.applications, self._asterisk_id, self._moment
        )
        self._alarm = Alarm()
        self._halted = self.options.start_paused
        self._steps = 0
        self._seek_ns: int | None = None
        self._offset_ns = self.session.header.started_ns
        self._frames = 0
        self._late_ns = 0
        self._end = asyncio.Event()
        self._done = asyncio.Event()
        self._log: ClientLog | None = None
        self._running: AbstractAsyncContextManager[None] | None = None

    @property
    def url(self) -> str:
        """Where the events are: `ws://127.0.0.1:8088/ari/events`. A client adds `?app=`."""
        return f"ws://{authority(self.host, self.port)}/ari/events"

    @property
    def http_url(self) -> str:
        """What ARI clients call the base URL: `http://127.0.0.1:8088`."""
        return f"http://{authority(self.host, self.port)}"

    @property
    def status(self) -> Status:
        """How it is doing now."""
        position_ns = self.clock.position_ns()
        return Status(position_ns, self._frames, len(self._door.clients), self._late_ns, self._player.finished)

    def pause(self) -> None:
        """Let time stand still until `resume`."""
        self._halted = True
        self._changed()

    def resume(self) -> None:
        """Let time run again, if a client is there."""
        self._halted = False
        self._changed()

    def set_speed(self, speed: float | None) -> None:
        """Go on at another speed; None is as fast as possible. Raises `ValueError` unless it is above 0."""
        self.clock.set_speed(speed)
        self._changed()

    def step(self) -> None:
        """While time stands still: send the next event, as soon as a client is there."""
        self._steps += 1
        self._alarm.ring()

    def seek(self, position_s: float) -> None:
        """Go on from so many seconds after the start of the recording, also back; what is up is as it was then."""
        self._seek_ns = self.session.header.started_ns + int(position_s * 1e9)
        self._alarm.ring()

    def describe(self) -> dict[str, Any]:
        """How it is doing, for the control API."""
        status, speed = self.status, self.clock.speed
        return {
            "position_s": (status.position_ns + self._offset_ns - self.session.header.started_ns) / 1e9,
            "duration_s": self.session.header.duration_ns / 1e9,
            "frames": status.frames,
            "clients": status.clients,
            "speed": "max" if speed is None else float(speed),
            "paused": self._halted,
            "running": not self.clock.paused,
            "finished": status.finished,
        }

    async def wait_end(self) -> None:
        """Wait until the last frame was sent."""
        await self._end.wait()

    async def wait_done(self) -> None:
        """Wait until the server should leave: at the end with `at_end="exit"`, or after `stop`."""
        await self._done.wait()

    def stop(self) -> None:
        """Make `wait_done` return."""
        self._done.set()

    async def __aenter__(self) -> Self:
        self._running = self._run()
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._running is not None
        return await self._running.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        if self.options.start_ns is not None:
            await self._model.prime(self.options.start_ns)
        listener = await listen(self.host, self.port)
        with contextlib.closing(listener):
            if self.options.record_client is not None:
                self._log = ClientLog(self.options.record_client, str(self.session.path))
            try:
                async with self._serving(listener):
                    yield
            finally:
                if self._log is not None:
                    await asyncio.to_thread(self._log.close)

    @asynccontextmanager
    async def _serving(self, listener: socket.socket) -> AsyncIterator[None]:
        self.port = listener.getsockname()[1]
        web = web_server(Web(self._door, self._ask, self._steer, Access(self.options.user, self.options.password)))
        await web.startup([listener])
        failed: Exception | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                own = [tasks.create_task(self._source.run()), tasks.create_task(self._pump())]
                try:
                    yield
                except Exception as error:
                    # Kept from the task group, which would wrap it: whoever fails in the block wants to see
                    # how.
                    failed = error
                for task in own:
                    task.cancel()
        except* ReplayError as errors:
            failed = errors.exceptions[0]
        finally:
            await self._door.close_all(1001, "the replay ends", _LEAVE_S)
            for connection in list(web.server_state.connections):
                if connection.transport.get_write_buffer_size():
                    connection.transport.abort()
            await web.shutdown([listener])
        if failed is not None:
            raise failed

    async def _pump(self) -> None:
        while True:
            await self._play()
            self._door.ended = True
            self._end.set()
            self._say(f"The recording ends; {self._frames} frames were sent.")
            if self.options.at_end != "hold":
                await self._door.close_all(1000, END_OF_RECORDING, _EXIT_S)
            if self.options.at_end == "exit":
                self._done.set()
            while self._seek_ns is None:
                await self._alarm.sleep(None)
            self._door.ended = False
            self._end.clear()

    async def _reseat(self, moment_ns: int) -> None:
        self._seek_ns = None
        await self._model.prime(moment_ns)
        self._player.restart()
        self._source.seek(moment_ns)

    async def _play(self) -> None:
        player = self._player
        while True:
            if self._seek_ns is not None:
                await self._reseat(self._seek_ns)
            await self._refill()
            if player.finished and self._door.arrivals:
                return
            if batch := self._step() if self._steps else player.take():
                if not await self._send(batch):
                    player.give_back(batch)
                    self._model.give_back(batch)
                await asyncio.sleep(0)  # a client that takes everything at once must not keep others from connecting
                continue
            due_ns = player.next_due_ns()
            await self._alarm.sleep(None if due_ns is None else max(0, due_ns - self.clock.now_ns()))

    def _step(self) -> list[Frame]:
        """The frames up to the next that is sent, when somebody wants a step and a client is there."""
        batch: list[Frame] = []
        if not self.clock.paused or not self._door.clients:
            self._steps = 0 if not self.clock.paused else self._steps
            return self._player.take()
        while frame := self._player.step():
            batch.append(frame)
            if self.options.sends(frame):
                self._steps -= 1
                break
        return batch

    async def _refill(self) -> None:
        player = self._player
        while player.hungry and (player.empty or self._source.waiting):
            if chunk := await self._source.get():
                player.feed(chunk if player.begun else self._without_lead(chunk))
            else:
                player.end()

    def _without_lead(self, chunk: Sequence[Frame]) -> Sequence[Frame]:
        """What was asked before the first frame came is known from the beginning, and nothing to wait for."""
        lead = next((i for i, frame in enumerate(chunk) if frame.kind != "rest"), len(chunk))
        self._model.lead(chunk[:lead])
        return chunk[lead:]

    async def _send(self, batch: Sequence[Frame]) -> bool:
        """Send a batch to all clients; False if there is none to send to any more."""
        self._model.take(
            batch, self.clock.speed is None
        )  # before it is sent: a client may ask at once about what it has just heard
        sent = [frame for frame in batch if self.options.sends(frame)]
        if not any([await client.send(sent) for client in tuple(self._door.clients)]):
            return False
        self._frames += len(sent)
        if sent:
            self._offset_ns = sent[-1].t_ns - sent[-1].elapsed_ns
        due_ns = self.clock.due_ns(batch[0].elapsed_ns)
        self._late_ns = 0 if due_ns is None or self.clock.speed is None else self.clock.now_ns() - due_ns
        if self.clock.speed is not None:
            self._model.idle()
        return True

    def _moment(self) -> str:
        return ari_time(self._offset_ns + self.clock.position_ns())

    def _steer(self, question: Question) -> Answer:
        return control(self, question)

    async def _ask(self, question: Question, client: str, transport: str = "http") -> Answer:
        began_ns = self.clock.now_ns()
        try:
            if question.segments[0] not in _STATELESS:
                await self._model.freshen()
            answer = self._rest.answer(question)
        except ReplayError as unreadable:
            answer = error(503, str(unreadable))
        if self._log is not None:
            self._log.note(question, answer, client, transport, self.clock.now_ns() - began_ns)
        return answer

    async def _message(self, client: Client, text: str) -> str:
        async def ask(question: Question) -> Answer:
            return await self._ask(question, client.name, "websocket")

        return await answer_message(text, ask, client.application, self._moment, self._asterisk_id)

    def _replaced(self, name: str) -> str:
        return replaced(name, self._moment(), self._asterisk_id)

    def _changed(self) -> None:
        runs = bool(self._door.clients) and not self._halted
        if runs and self.clock.paused:
            self.clock.resume()
        elif not runs and not self.clock.paused:
            self.clock.pause()
        self._alarm.ring()
