"""The server that ARI clients connect to: sockets and tasks around a `Playback`."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend
from starlette.websockets import WebSocket

from arirecord.asterisk.web_access import local_authority
from arirecord.async_block import AsyncBlock, task_group
from arirecord.errors import ReplayError
from arirecord.select.times import Position
from arirecord.server_limits import report_full
from arirecord.session.positions import rows_before
from arirecord.session.reader import SessionFile, open_session

from . import events
from .clients.app_registry import asked_applications
from .clients.channel_ownership import Membership, read_known
from .clients.outbound import Dialler, Outgoing
from .command_executor import Executor
from .frame_source import FrameSource, find_place
from .media.media_channels import MediaChannels
from .options import ReplayOptions
from .playback import Playback
from .rest.exchange_reader import read_recorded
from .rest.messages import RestRequest, RestResponse
from .rest_handler import ClientExchange
from .timing.chaos import Fault
from .timing.clock import PlaybackClock
from .timing.progress import Place
from .wire.client_connection import ClientConnection
from .wire.playback_control import control
from .wire.uvicorn_server import ClientAuth, listen, web_server
from .wire.web import Web, refuse

__all__ = ["ReplayServer", "Status"]

_TRUE: Final = ("1", "on", "t", "true", "y", "yes")


@dataclass(frozen=True, slots=True)
class Status:
    """State of a replay: `frames` were sent, `late_ns` is how late the latest of them were."""

    position_ns: int
    frames: int
    clients: int
    late_ns: int
    finished: bool


class ReplayServer(AsyncBlock):
    """Replays a session to every ARI client that connects, while the `async with` block runs.

        async with ReplayServer("session.parquet", ReplayOptions(port=0, speed=10)) as server:
            await my_app.connect(server.url)
            await server.wait_end()

    The clock starts with the first client. It stands still while no client is connected, and continues when one
    returns. All clients share one position; a later client joins there. It takes the applications that it asks for
    from older clients, unless `share` is set. A client that does not read delays all clients, and no frame is dropped;
    frames that became due meanwhile follow at once.

    `say` receives messages for the user; by default they go to the logger `arirecord.replay`. `on_exchange` receives
    every request of a client, with its response. Raises `ReplayError` if it cannot listen, and from the
    block if the session cannot be read further. For sub-millisecond lateness run it on an event loop made with
    `wire.precise_loop`.
    """

    def __init__(
        self,
        session: SessionFile | str | Path,
        options: ReplayOptions | None = None,
        say: Callable[[str], None] | None = None,
        on_exchange: Callable[[ClientExchange], object] | None = None,
    ) -> None:
        self.session = session if isinstance(session, SessionFile) else open_session(session)
        self.options = options = options or ReplayOptions()
        self._access = options.access
        header = self.session.header
        self.clock = PlaybackClock(options.clock_speed, origin_ns=header.started_ns)
        self.host = options.host
        self.port = options.port
        self._say = say or logging.getLogger("arirecord.replay").info
        self._membership = read_known(self.session) if options.map_app else None
        self._playback = Playback(
            header,
            options,
            self.clock,
            read_recorded(self.session, {asked: name for name, asked in options.map_app}),
            self._membership or Membership(),
            partial(rows_before, self.session),
        )
        pacing, chaos = self._playback.pacing, self._playback.chaos
        self._source = FrameSource(self.session, options, () if pacing is None else pacing.gates, chaos)
        self._media = MediaChannels(options.media, self._say, on_exchange)
        self._playback.watch(self._media.take)
        self._executor = Executor(self._playback, self._source, self.clock, self._say, self._media.note)
        self._rate = None if chaos is None else chaos.rate
        self._diallers = [self._dialler(url) for url in options.connect]
        self._calls: asyncio.Future[Sequence[Position]] | None = None
        # Answers further paths of the control API, or returns None.
        self.further_control: Callable[[RestRequest], Awaitable[RestResponse | None]] | None = None

    @property
    def url(self) -> str:
        """WebSocket URL of the events: `ws://127.0.0.1:8088/ari/events`. A client adds `?app=`."""
        return f"ws://{local_authority(self.host, self.port)}/ari/events"

    @property
    def http_url(self) -> str:
        """The base URL of ARI clients: `http://127.0.0.1:8088`."""
        return f"http://{local_authority(self.host, self.port)}"

    @property
    def status(self) -> Status:
        """The current state."""
        scheduler, clients = self._playback.scheduler, len(self._playback.clients)
        return Status(self.clock.position_ns(), scheduler.frames, clients, scheduler.late_ns, scheduler.is_finished)

    @property
    def missed(self) -> Sequence[str]:
        """The requests that the replay waited for in vain, with `pace="client"`."""
        return [] if self._playback.pacing is None else self._playback.pacing.missed

    @property
    def has_all_requests(self) -> bool:
        """Whether clients have sent all recorded requests, with `pace="client"`."""
        pacing = self._playback.pacing
        return pacing is not None and pacing.is_done and not pacing.missed

    def keep_times(self) -> list[tuple[Place, int]]:
        """Keep the places up to which events were sent from now on, each with the time: return the growing list."""
        progress = self._playback.scheduler.progress
        progress.times = []
        return progress.times

    def add_fault(self, fault: Fault) -> None:
        """Let a fault of REST, such as those of `--chaos rest-500`, strike further requests."""
        self._playback.add_fault(fault)

    def pause(self) -> None:
        """Stop the clock until `resume`."""
        self._executor.post(events.Pause())

    def resume(self) -> None:
        """Start the clock again; it runs while a client is connected."""
        self._executor.post(events.Resume())

    def set_speed(self, speed: float | None) -> None:
        """Change the speed; None is as fast as possible. Raises `ValueError` unless it is above 0."""
        self._executor.post(events.SetSpeed(speed))

    def step(self) -> None:
        """Send the next event while the replay is paused, as soon as a client is connected."""
        self._executor.post(events.Step())

    def seek(self, to: float | str) -> None:
        """Continue at another position, forwards or backwards; the pbx state is as it was then.

        to: a position in seconds, as `describe` reports it, or a time (docs/select.md): `+5m`, `14:03:10` (UTC),
            `2026-11-23T14:03:10`, `seq:1234`. Raises `ReplayError` for anything else.
        """
        self._executor.post(events.Seek(find_place(str(to), self.session)))

    def next_call(self) -> None:
        """Continue where the next call begins, once that is known.

        Raises `ReplayError` without `call_starts` in the options.
        """
        if self.options.call_starts is None:
            raise ReplayError("where calls begin is not known here")
        if self._calls is None:
            self._calls = asyncio.get_running_loop().run_in_executor(None, self.options.call_starts)
        self._calls.add_done_callback(self._to_next_call)

    def _to_next_call(self, calls: asyncio.Future[Sequence[Position]]) -> None:
        if calls.cancelled():
            return
        if (error := calls.exception()) is not None:
            self._say(f"The calls can't be found: {error}.")
        else:
            self._executor.post(events.NextCall(calls.result()))

    def describe(self) -> dict[str, Any]:
        """Return the state for the control API. Position and duration count from the start of the recording."""
        status, speed, chaos = self.status, self.clock.speed, self._playback.chaos
        header = self.session.header
        end_ns = header.first_elapsed_ns + header.duration_ns
        seeks = self._playback.scheduler.seeks
        at_ns = (self.clock.recording_ns() if seeks is None else seeks.ns) - header.started_ns
        return {
            "position_s": min(max(0, at_ns), end_ns) / 1e9,
            "duration_s": end_ns / 1e9,
            "frames": status.frames,
            "clients": status.clients,
            "speed": "max" if speed is None else float(speed),
            "paused": self._playback.scheduler.is_paused,
            "running": not self.clock.paused,
            "finished": status.finished,
            **({"chaos": dict(chaos.counts)} if chaos is not None else {}),
            **({"media": self._media.describe()} if self._media else {}),
        }

    async def wait_end(self) -> None:
        """Wait until the last frame was sent."""
        await self._executor.end.wait()

    async def wait_done(self) -> None:
        """Wait until the server should end: at the end with `at_end="exit"`, or after `stop`."""
        await self._executor.done.wait()

    def stop(self) -> None:
        """Make `wait_done` return."""
        self._executor.done.set()

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        listener = await listen(self.host, self.port)
        with contextlib.closing(listener):
            self.port = listener.getsockname()[1]
            failed: Exception | None = None
            async with self._executor.logs(self.session, self.options):
                try:
                    async with self._serving(listener):
                        yield
                except* ReplayError as errors:
                    failed = errors.exceptions[0]
            if failed is not None:
                raise failed

    @asynccontextmanager
    async def _serving(self, listener: socket.socket) -> AsyncIterator[None]:
        try:
            if self.options.start is None:
                self._source.seek(None)
            else:
                await self._executor.take(events.Seek(self.options.start))
                await self._executor.take(events.Due())
            report_full(self._say)
            web = web_server(Web(self, ClientAuth(self.options.user, self.options.password), self._access))
            await web.startup([listener])
            try:
                async with task_group() as tasks:
                    own = [tasks.create_task(self._executor.play()), tasks.create_task(self._media.run())]
                    own += [
                        tasks.create_task(dialler.run(self._serve_outbound, self._dials)) for dialler in self._diallers
                    ]
                    try:
                        yield
                    finally:
                        for task in own:
                            task.cancel()
            finally:
                await self._executor.take(events.Stop())
                for connection in list(web.server_state.connections):
                    if connection.transport.get_write_buffer_size():
                        connection.transport.abort()
                await web.shutdown([listener])
        finally:
            self._source.close()

    def answer(self, request: RestRequest, address: str) -> AbstractAsyncContextManager[RestResponse]:
        """Answer a REST request over HTTP, from a client at this address. The block sends the response."""
        return self._executor.answer(request, address)

    async def steer(self, request: RestRequest) -> RestResponse:
        """Answer a request of the control API."""
        further = None if self.further_control is None else await self.further_control(request)
        return control(self, request) if further is None else further

    def inject(self, event: Mapping[str, Any]) -> None:
        """Send an event that is not in the recording."""
        self._executor.post(events.Inject(event))

    async def media(self, scope: Scope, receive: Receive, send: AsgiSend, connection_id: str) -> bool:
        """Serve the WebSocket `/media/ID`, as ASGI. False: no channel has this connection."""
        return await self._media.serve(WebSocket(scope, receive, send), connection_id, self._playback.client_channel)

    async def connect(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        """Serve the WebSocket `/ari/events`, as ASGI."""
        websocket = WebSocket(scope, receive, send)
        applications = asked_applications(websocket.query_params.getlist("app"))
        if not applications:
            await refuse(websocket, 400, "Bad Request", "HTTP request is missing param: [app]")
            return
        try:
            membership = await self._membership_of(applications)
        except ReplayError as unreadable:
            await refuse(websocket, 503, "Service Unavailable", str(unreadable))
            return
        if self.options.strict_app and (unknown := self._playback.clients.routing.unknown(applications, membership)):
            self._say(f"A client was refused: {unknown}.")
            reason = f"{unknown}. Asterisk would take any name; --strict-app does not."
            await refuse(websocket, 404, "Not Found", reason)
            return
        await websocket.accept("ari" if "ari" in scope["subprotocols"] else None)
        subscribe_all = any(value.lower() in _TRUE for value in websocket.query_params.getlist("subscribeAll"))
        connection = ClientConnection(websocket, receive, rate=self._rate)
        await self._serve(events.ClientConnected(connection, applications, subscribe_all, membership), connection)

    async def _membership_of(self, applications: Sequence[str]) -> Membership:
        if self._membership is None and self._playback.clients.routing.needs_known(applications):
            self._membership = await asyncio.to_thread(read_known, self.session)
        return self._membership or Membership()

    async def _serve(self, connected: events.ClientConnected, connection: ClientConnection) -> None:
        """Serve a client until it has gone."""
        try:
            await self._executor.take(connected)
            while (text := await connection.receive()) is not None:
                await self._executor.take(events.MessageReceived(connection, text))
                await asyncio.sleep(0)  # a client that sends thousands of requests must not keep the others waiting
        finally:
            connection.ended()
            await self._executor.take(events.ClientLeft(connection))

    def _dialler(self, url: str) -> Dialler:
        if not self._outbound_applications:
            path = self.session.path
            raise ReplayError(f"{path} names no application; name the one of the app at the other end")
        return Dialler(url, self.options.reconnect_interval_s, self._say)

    @property
    def _outbound_applications(self) -> Sequence[str]:
        return self.options.connect_apps or list(self.session.header.applications)

    def _dials(self) -> bool:
        return self.options.at_end == "hold" or not self._playback.scheduler.has_ended

    async def _serve_outbound(self, outgoing: Outgoing, name: str) -> None:
        applications = self._outbound_applications
        connection = ClientConnection(outgoing, outgoing.receive, name, self._rate)
        await connection.send([self._playback.registered(application) for application in applications])
        membership = await self._membership_of(applications)
        connected = events.ClientConnected(connection, applications, self.options.connect_all, membership)
        await self._serve(connected, connection)
