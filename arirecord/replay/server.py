"""The server that ARI clients connect to: sockets and tasks around a player."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from arirecord.errors import ReplayError
from arirecord.session.reader import Frame, SessionFile, open_session

from .clients.client_log import ClientLog
from .clients.outbound import Dialler
from .clients.synthetic_events import ari_time
from .clients.ws_endpoint import WsEndpoint
from .frame_source import FrameSource
from .options import ReplayOptions
from .pbx.lazy_state import LazyState
from .rest.client_pacing import ClientPacing
from .rest.messages import RestRequest, RestResponse
from .rest.recorded_exchanges import read_recorded
from .rest_handler import LoggedRequest, RestHandler, RestService
from .scheduler import Scheduler
from .timing.chaos import Chaos
from .timing.clock import PlayerClock
from .timing.position import find_place
from .wire.control import control
from .wire.uvicorn_server import ClientAuth, authority, listen, web_server
from .wire.web import Web

__all__ = ["ReplayServer", "Status"]

_LEAVE_S = 0.5


@dataclass(frozen=True, slots=True)
class Status:
    """State of a replay: `frames` were sent, `late_ns` is how late the latest of them were."""

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

    The clock starts with the first client. It stands still while no client is connected, and continues when one
    returns. All clients share one position; a later client joins there. It takes the applications that it asks for
    from older clients, unless `share` is set. A client that does not read delays all clients, and no frame is dropped;
    frames that became due meanwhile follow at once.

    A callback receives every request of a client that ARI knows.

    `say` receives messages for the user; by default they go to the logger `arirecord.replay`. Raises `ReplayError` if
    it cannot listen, and from the block if the session cannot be read further. For sub-millisecond lateness run it on
    an event loop made with `selectors.SelectSelector`.
    """

    def __init__(
        self,
        session: SessionFile | str | Path,
        options: ReplayOptions | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.session = session if isinstance(session, SessionFile) else open_session(session)
        self.options = options or ReplayOptions()
        self.clock = PlayerClock(self.options.speed)
        self.host = self.options.host
        self.port = self.options.port
        say = say or logging.getLogger("arirecord.replay").info
        header = self.session.header
        asterisk_id = next(filter(None, header.asterisk_ids), "00:00:00:00:00:00")
        self._source = FrameSource(self.session, self.options)
        self._model = LazyState(self._source)
        self._door = WsEndpoint(
            self.session,
            self.options,
            self._model.switch,
            say,
            lambda: self._pump.changed(),
            lambda client, text: self._desk.message(client, text),
            lambda name: self._desk.replaced(name),
            lambda raw: self._rest.ids.to_client(raw),
            lambda: self._pump.restart(),
        )
        self._pump = Scheduler(self.options, self.clock, self._source, self._door, self._model, say)
        self._pump.restarted = self._restarted
        recorded = read_recorded(self.session)
        recorded.aliases = {asked: name for name, asked in self.options.map_app}
        self._rest = RestHandler(
            recorded,
            self._model.switch,
            self._door.applications,
            asterisk_id,
            lambda: ari_time(self._pump.moment_ns),
            lambda: self._pump.moment_ns,
        )
        self.heard: Callable[[LoggedRequest], object] = lambda heard: None
        self._rest.heard = self._hear
        if self.options.pace == "client":
            exchanges, started_ns = recorded.exchanges, header.started_ns
            pace = ClientPacing(
                exchanges, recorded.name_of, started_ns, lambda: self._pump.moment_ns, self._pump.changed
            )
            self._pump.pace, self._source.gates = pace, pace.gates
        if self.options.chaos:
            chaos = Chaos(self.options.chaos, self.options.seed, self._struck)
            self._pump.chaos = self._source.chaos = chaos
            self._door.rate = chaos.rate
        self._restarted(self.options.start_ns)
        self._desk = RestService(
            self._rest, self._model, asterisk_id, lambda: self._pump.moment_ns, self.clock.now_ns, self._pump.shift
        )
        self._faults: BinaryIO | None = None
        self._diallers = [self._dialler(url, say) for url in self.options.connect]
        self._running: AbstractAsyncContextManager[None] | None = None

    @property
    def url(self) -> str:
        """WebSocket URL of the events: `ws://127.0.0.1:8088/ari/events`. A client adds `?app=`."""
        return f"ws://{authority(self.host, self.port)}/ari/events"

    @property
    def http_url(self) -> str:
        """The base URL of ARI clients: `http://127.0.0.1:8088`."""
        return f"http://{authority(self.host, self.port)}"

    @property
    def status(self) -> Status:
        """The current state."""
        position_ns = self.clock.position_ns()
        return Status(position_ns, self._pump.frames, len(self._door.clients), self._pump.late_ns, self._pump.finished)

    def pause(self) -> None:
        """Stop the clock until `resume`."""
        self._pump.halt(True)

    def resume(self) -> None:
        """Start the clock again; it runs while a client is connected."""
        self._pump.halt(False)

    def set_speed(self, speed: float | None) -> None:
        """Change the speed; None is as fast as possible. Raises `ValueError` unless it is above 0."""
        self._pump.set_speed(speed)

    def step(self) -> None:
        """Send the next event while the replay is paused, as soon as a client is connected."""
        self._pump.step()

    def next_call(self) -> None:
        """Continue where the next call begins. Raises `ReplayError` without `call_starts` in the options."""
        self._pump.next_call()

    def seek(self, to: float | str) -> None:
        """Continue at another position, forwards or backwards; the pbx state is as it was then.

        to: a position in seconds, as `describe` reports it, or a time (docs/select.md): `+5m`, `14:03:10` (UTC),
            `2026-11-23T14:03:10`, `seq:1234`. Raises `ReplayError` for anything else.
        """
        self._pump.seek(find_place(str(to), self.session))

    def describe(self) -> dict[str, Any]:
        """Return the state for the control API."""
        status, speed = self.status, self.clock.speed
        return {
            "position_s": (self._pump.moment_ns - self.session.header.started_ns) / 1e9,
            "duration_s": self.session.header.duration_ns / 1e9,
            "frames": status.frames,
            "clients": status.clients,
            "speed": "max" if speed is None else float(speed),
            "paused": self._pump.halted,
            "running": not self.clock.paused,
            "finished": status.finished,
            **({"chaos": dict(self._pump.chaos.counts)} if self._pump.chaos else {}),
        }

    async def wait_end(self) -> None:
        """Wait until the last frame was sent."""
        await self._pump.end.wait()

    async def wait_done(self) -> None:
        """Wait until the server should end: at the end with `at_end="exit"`, or after `stop`."""
        await self._pump.done.wait()

    def stop(self) -> None:
        """Make `wait_done` return."""
        self._pump.done.set()

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
        if self.options.start is not None:
            await self._model.prime(self.options.start)
        listener = await listen(self.host, self.port)
        with contextlib.closing(listener), self._noting():
            if self.options.record_client is not None:
                self._desk.log = ClientLog(self.options.record_client, str(self.session.path))
            try:
                async with self._serving(listener):
                    yield
            finally:
                if self._desk.log is not None:
                    await asyncio.to_thread(self._desk.log.close)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Keep the log of faults open, if one is configured."""
        if self.options.chaos_log is None:
            yield
            return
        try:
            file = self.options.chaos_log.open("wb", buffering=0)
        except OSError as error:
            raise ReplayError(f"{self.options.chaos_log} can't be written: {error.strerror}") from error
        with file as self._faults:
            yield

    @asynccontextmanager
    async def _serving(self, listener: socket.socket) -> AsyncIterator[None]:
        self.port = listener.getsockname()[1]
        web = web_server(
            Web(self._door, self._desk.ask, self._steer, ClientAuth(self.options.user, self.options.password))
        )
        await web.startup([listener])
        failed: Exception | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                self._source.seek(self.options.start)
                own = [tasks.create_task(self._pump.run())]
                own += [tasks.create_task(dialler.run(self._dials)) for dialler in self._diallers]
                try:
                    yield
                except Exception as error:
                    # Kept from the task group, which would wrap it: the caller should see the original exception.
                    failed = error
                for task in own:
                    task.cancel()
        except* ReplayError as errors:
            failed = errors.exceptions[0]
        finally:
            self._source.close()
            await self._door.close_all(1001, "the replay ends", _LEAVE_S)
            for connection in list(web.server_state.connections):
                if connection.transport.get_write_buffer_size():
                    connection.transport.abort()
            await web.shutdown([listener])
        if failed is not None:
            raise failed

    def _dialler(self, url: str, say: Callable[[str], None]) -> Dialler:
        applications = self.options.connect_apps or list(self.session.header.applications)
        if not applications:
            raise ReplayError(f"{self.session.path} names no application; name the one of the app at the other end")
        return Dialler(
            url,
            applications,
            self.options.reconnect_interval_s,
            lambda client: self._door.have(client, applications, self.options.connect_all),
            lambda application: self._desk.registered(application),
            lambda raw: self._rest.ids.to_client(raw),
            say,
        )

    def _dials(self) -> bool:
        return self.options.at_end == "hold" or not self._door.ended

    def _restarted(self, moment_ns: int | None) -> None:
        self._rest.restart(moment_ns)
        if self._pump.pace is not None:
            self._pump.pace.restart(moment_ns)

    def _hear(self, heard: LoggedRequest) -> None:
        if self._pump.pace is not None:
            self._pump.pace.heard(heard.asked)
        self.heard(heard)

    def _struck(self, fault: str, frame: Frame) -> None:
        if self._faults is not None:
            self._faults.write(orjson.dumps({"fault": fault, "seq": frame.seq, "type": frame.type}) + b"\n")

    def _steer(self, question: RestRequest) -> RestResponse:
        return control(self, question)
