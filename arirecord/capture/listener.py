"""Listen for Asterisk 22's outbound WebSockets, for an application or for each call."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from arirecord.asterisk.login import CHALLENGE, is_same, logins_of
from arirecord.asterisk.web_access import WebAccess
from arirecord.errors import CaptureError

from .reconnect import Ending
from .recorder import Recorder

__all__ = ["ListenOptions", "Listener"]

# websockets reports what strangers send as tracebacks, which may quote a password.
_NO_LOG = logging.Logger("arirecord.capture.listener", logging.CRITICAL)


@dataclass(frozen=True)
class ListenOptions:
    """Where to listen. With a `user`, clients must log in as that user (Basic authentication).

    allow_origin, allow_host: as in `WebAccess`. Asterisk sends no Origin; a web page does.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    duration_s: float | None = None
    max_events: int | None = None
    keepalive_s: float = 20
    max_frame_bytes: int = 1 << 24
    allow_origin: Sequence[str] = ()
    allow_host: Sequence[str] = ()

    @property
    def source(self) -> dict[str, Any]:
        """Return the source for a session's header."""
        return {"verb": "capture", "listen": f"{self.host}:{self.port}"}


class Listener:
    """One recording of all incoming connections, several at once. `recorder` is made after the port is open."""

    def __init__(
        self,
        options: ListenOptions,
        make_recorder: Callable[[], Recorder],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.options = options
        self.recorder: Recorder | None = None
        self.port = options.port
        self._make_recorder = make_recorder
        self._say = say
        self._access = WebAccess(options.host, options.allow_origin, options.allow_host)
        self._count = 0
        self._enough = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> Ending:
        """Record until `stop` is set or a limit is reached. Raises `CaptureError` if the port is not available."""
        options = self.options
        try:
            server = await serve(
                self._take,
                options.host,
                options.port,
                process_request=self._check,
                subprotocols=[Subprotocol("ari")],
                select_subprotocol=_select,
                compression=None,
                ping_interval=options.keepalive_s,
                ping_timeout=options.keepalive_s,
                max_size=options.max_frame_bytes,
                close_timeout=2,
                logger=_NO_LOG,
            )
        except OSError as error:
            raise CaptureError(f"can't listen at {options.host}:{options.port}: {error.strerror or error}") from None
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            self.recorder = self._make_recorder()
            self._say(f"Listening at ws://{options.host}:{self.port}/ for Asterisk to dial in.")
            return await self._until(stop)

    async def _until(self, stop: asyncio.Event) -> Ending:
        try:
            async with asyncio.timeout(self.options.duration_s), asyncio.TaskGroup() as tasks:
                waiting = [tasks.create_task(event.wait()) for event in (stop, self._enough)]
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()
        except TimeoutError:
            return Ending("the duration asked for was reached", is_wanted=True)
        why = "the number of events asked for was reached" if self._enough.is_set() else "stopped"
        return Ending(why, is_wanted=True)

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        if (refusal := self._access.refusal(headers.get_all("Host"), headers.get_all("Origin"))) is not None:
            self._say(f"{connection.remote_address[0]} was refused: {refusal}.")
            return connection.respond(HTTPStatus.FORBIDDEN, f"{refusal}\n")
        if self.options.user is None:
            return None
        expected = f"{self.options.user}:{self.options.password or ''}"
        if any(is_same(login, expected) for login in logins_of(headers.get("Authorization"), "")):
            return None
        response = connection.respond(HTTPStatus.UNAUTHORIZED, "wrong name or password\n")
        response.headers.update(CHALLENGE)
        return response

    async def _take(self, connection: ServerConnection) -> None:
        assert self.recorder is not None and connection.request is not None
        host, port = connection.remote_address[:2]
        whence = {"url": f"from {host}:{port} to {connection.request.path.partition('?')[0]}"}
        self.recorder.connection("opened", status=101, **whence)
        self._say(f"Asterisk dialled in from {host}:{port}.")
        why = "the recording ended"
        try:
            while not self._enough.is_set():
                self.recorder.frame(await connection.recv(decode=False))
                self._count += 1
                if self._count == self.options.max_events:
                    self._enough.set()
        except ConnectionClosed as closed:
            why = str(closed)
            self._say(f"{host}:{port} is gone ({why}).")
        finally:
            self.recorder.connection("closed", reason=why, status=connection.close_code, **whence)


def _select(connection: ServerConnection, offered: Any) -> Subprotocol | None:
    """Choose `ari` if it is offered; a client without subprotocols is accepted too."""
    return Subprotocol("ari") if "ari" in offered else None
