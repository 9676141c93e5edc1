"""The tap server: apps connect to it instead of to Asterisk."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from arirecord.asterisk.web_access import WebAccess, local_authority, why_not_listening
from arirecord.async_block import AsyncBlock, task_group
from arirecord.capture.recorder import Recorder
from arirecord.errors import CaptureError
from arirecord.server_limits import connection_limit, report_full

from .event_stream import StreamRegistry
from .fan_out import FanOut
from .known_secrets import KnownSecrets
from .options import TapOptions
from .proxy_connection import ProxyConnection
from .safe_recorder import SafeRecorder
from .shared import Shared

__all__ = ["Tap", "TapStatus"]


@dataclass(frozen=True, slots=True)
class TapStatus:
    """State of a tap: open event streams and copies, REST exchanges over HTTP so far, and rows that the recorder did
    not take.
    """

    applications: int
    copies: int
    rest_count: int
    lost_count: int


class Tap(AsyncBlock):
    """Forwards apps to Asterisk and records the traffic, while the `async with` block runs.

        async with Tap(TapOptions(Address.parse("http://pbx:8088/ari"), port=0), lambda: recorder) as tap:
            await my_app.connect(tap.url)

    `make_recorder` is called after the tap began to listen, so that a failed start leaves nothing behind. At the end of
    the block the tap closes all connections in good order; the caller closes and seals the recorder. `say` receives
    messages for the user; by default they go to the logger `arirecord.tap`.

    Raises `CaptureError` if it cannot listen.
    """

    def __init__(
        self, options: TapOptions, make_recorder: Callable[[], Recorder], say: Callable[[str], None] | None = None
    ) -> None:
        self.options = options
        self.port = options.port
        self._make_recorder = make_recorder
        self._say = say or logging.getLogger("arirecord.tap").info
        self._shared: Shared | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._works: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The URL that apps use instead of Asterisk's ARI: `http://127.0.0.1:8089/ari`."""
        return f"http://{local_authority(self.options.host, self.port)}{urlsplit(self.options.upstream.base).path}"

    @property
    def status(self) -> TapStatus:
        """The current state."""
        shared = self._shared
        if shared is None:
            return TapStatus(0, 0, 0, 0)
        return TapStatus(
            len(shared.streams.open), len(shared.copies.all), shared.rest_count, shared.recorder.lost_count
        )

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        server = await self._listen()
        try:
            report_full(self._say)
            shared = self._shared = self._begin()
            await server.start_serving()
            async with task_group() as self._tasks:
                try:
                    yield
                finally:
                    server.close()
                    await self._leave(shared)
                    for work in self._works:
                        work.cancel()
        finally:
            server.close()

    def _begin(self) -> Shared:
        options, secrets = self.options, KnownSecrets()

        def say(text: str) -> None:
            self._say(secrets.mask(text))

        recorder = SafeRecorder(self._make_recorder(), say)
        streams = StreamRegistry(options.upstream.base, recorder, say)
        copies = FanOut(options.max_behind_bytes, say)
        access = WebAccess(options.host, options.allow_origin, options.allow_host)
        limit = min(options.max_connections, connection_limit(2))  # files: one to the app, one to Asterisk
        return Shared(options, recorder, streams, copies, say, self._spawn, access, secrets, limit)

    async def _listen(self) -> asyncio.Server:
        """Return a server that does not accept connections yet."""
        host, port = self.options.host, self.options.port
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self._accept, host, port, start_serving=False)
        except OSError as error:
            raise CaptureError(why_not_listening(host, port, error, " with --listen")) from None
        self.port = server.sockets[0].getsockname()[1]
        return server

    def _accept(self) -> asyncio.Protocol:
        assert self._shared is not None
        return ProxyConnection(self._shared).application

    async def _leave(self, shared: Shared) -> None:
        """Close all connections in good order; after a while, abort those that are left."""
        for connection in list(shared.connections):
            connection.leave()
        shared.emptied.clear()
        if shared.connections:
            try:
                async with asyncio.timeout(self.options.leave_timeout_s):
                    await shared.emptied.wait()
            except TimeoutError:
                for connection in list(shared.connections):
                    connection.abort()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks is not None
        task = self._tasks.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
