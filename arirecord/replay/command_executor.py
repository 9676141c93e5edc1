"""The executor of a replay: gives events to the playback, and executes the commands that it returns."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import BinaryIO, Final

import orjson

from arirecord.errors import ReplayError
from arirecord.session.reader import SessionFile

from . import events
from .clients.client_log import ClientLog
from .frame_source import FrameSource
from .options import ReplayOptions
from .pbx.lazy_state import BuildState
from .playback import Playback
from .rest.messages import RestRequest, RestResponse
from .rest_handler import ClientExchange
from .timing.clock import PlaybackClock, Wakeup
from .wire.client_connection import ClientConnection

__all__ = ["Executor"]

# Clients wait at most this long for their turn while others receive the frames that are due.
_TURN_NS: Final = 1_000_000

_WRITE_S: Final = 1

_DUE: Final = (events.Due(False), events.Due(True))

# Linux wakes a local client on the processor of the sender. The sender yields it: otherwise one frame in fifty was
# two milliseconds late. The reading thread would use that time for much longer.
_yield_processor: Callable[[], None] = getattr(os, "sched_yield", lambda: None)


class Executor:
    """Sends, reads and waits as a playback commands. `end` is set while nothing is left to send, `done` when the server
    should end.

    `report` receives messages for the user, `on_exchange` every request of a client.
    """

    def __init__(
        self,
        playback: Playback,
        source: FrameSource,
        clock: PlaybackClock,
        report: Callable[[str], None],
        on_exchange: Callable[[ClientExchange], object] | None,
    ) -> None:
        self.end = asyncio.Event()
        self.done = asyncio.Event()
        self._playback = playback
        self._source = source
        self._clock = clock
        self._report = report
        self._on_exchange = on_exchange
        self._wakeup = Wakeup()
        self._turn_ns = 0
        self._commands: list[events.Command] = []
        self._responses: dict[events.RequestReceived, asyncio.Future[RestResponse]] = {}
        self._unwritten: dict[events.RequestReceived, asyncio.Event] = {}
        self._client_log: ClientLog | None = None
        self._fault_log: BinaryIO | None = None

    @asynccontextmanager
    async def logs(self, session: SessionFile, options: ReplayOptions) -> AsyncIterator[None]:
        """Keep the logs open that the options name."""
        async with AsyncExitStack() as stack:
            if (path := options.chaos_log) is not None:
                try:
                    self._fault_log = stack.enter_context(path.open("wb", buffering=0))
                except OSError as error:
                    raise ReplayError(f"{path} can't be written: {error.strerror}") from error
            if options.record_client is not None:
                self._client_log = ClientLog(options.record_client, str(session.path))
                stack.push_async_callback(asyncio.to_thread, self._client_log.close)
            yield

    async def take(self, event: events.Event) -> None:
        """Give an event to the playback and execute its commands."""
        for command in self._playback.handle(event):
            await self._execute(command)
        self._wakeup.ring()

    def post(self, event: events.Event) -> None:
        """Give an event to the playback; `play` executes its commands."""
        self._commands += self._playback.handle(event)
        self._wakeup.ring()

    async def play(self) -> None:
        """Execute the commands of the playback, turn by turn."""
        while True:
            is_ready = self._source.is_ready
            commands = self._playback.handle(_DUE[is_ready])
            if self._commands:
                commands = [*self._commands, *commands]
                self._commands.clear()
            for command in commands:
                if is_ready and isinstance(command, events.ReadFrames):
                    self._commands += self._playback.handle(events.FramesRead(self._source.take()))
                    continue
                await self._execute(command)
                if isinstance(command, events.Respond) and command.is_in_place:
                    await self._written(command)
            if commands and isinstance(command, events.Send) and self._source.is_idle:
                _yield_processor()
            # Let other tasks run, so that others can connect while a client reads at full speed. Costs a little.
            if self._clock.now_ns() - self._turn_ns > _TURN_NS:
                await asyncio.sleep(0)
                self._turn_ns = self._clock.now_ns()

    @asynccontextmanager
    async def answer(self, request: RestRequest, address: str) -> AsyncIterator[RestResponse]:
        """Answer a REST request over HTTP, from a client at this address. The block sends the response."""
        event = events.RequestReceived(request, address)
        response: asyncio.Future[RestResponse] = asyncio.get_running_loop().create_future()
        self._responses[event], self._unwritten[event] = response, asyncio.Event()
        try:
            await self.take(event)
            yield await response
        finally:
            self._unwritten.pop(event).set()

    async def _written(self, command: events.Respond) -> None:
        """Wait until the response to an HTTP request is written, but not long for a client that does not read."""
        written = self._unwritten.get(command.to) if isinstance(command.to, events.RequestReceived) else None
        if written is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WRITE_S):
                    await written.wait()

    async def _execute(self, command: events.Command) -> None:
        match command:
            case events.Send(ClientConnection() as client, payloads, within_s):
                if not await client.send(payloads, within_s) and within_s is None:
                    await self.take(events.SendFailed(client))
            case events.Wait(until_ns):
                await self._wakeup.sleep(None if until_ns is None else max(0, until_ns - self._clock.now_ns()))
                self._turn_ns = self._clock.now_ns()
            case events.ReadFrames():
                await self._source.wait()
                await self.take(events.FramesRead(self._source.take()))
            case events.Respond():
                await self._respond(command)
            case BuildState():
                try:
                    state = await asyncio.to_thread(command.read, self._source)
                except ReplayError as error:
                    await self.take(events.StateBuilt(command, error=str(error)))
                else:
                    await self.take(events.StateBuilt(command, state))
            case events.SeekFrames(position):
                self.end.clear()
                self._source.seek(position)
            case events.Close(clients, code, reason, within_s):
                connections = [client for client in clients if isinstance(client, ClientConnection)]
                await asyncio.gather(*(client.close(code, reason, within_s) for client in connections))
            case events.Report(text):
                self._report(text)
            case events.NoteFault(name, frame):
                if self._fault_log is not None:
                    fault = {"fault": name, "seq": frame.seq, "type": frame.type}
                    self._fault_log.write(orjson.dumps(fault) + b"\n")
            case events.EndReached():
                self.end.set()
            case events.Exit():
                self.done.set()

    async def _respond(self, command: events.Respond) -> None:
        request, response = command.request, command.response
        if command.exchange is not None and self._on_exchange is not None:
            self._on_exchange(command.exchange)
        if self._client_log is not None and request is not None:
            self._client_log.note(request, response, command.address, command.transport, command.took_ns)
        if isinstance(command.to, events.RequestReceived):
            if not (waiting := self._responses.pop(command.to)).done():
                waiting.set_result(response)
        elif isinstance(command.to.client, ClientConnection):
            await command.to.client.send([command.text])
