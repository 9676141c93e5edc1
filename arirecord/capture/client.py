"""Capture: dial an Asterisk and record its event stream."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from arirecord.errors import CaptureError

from .address import Address
from .recorder import Recorder

__all__ = ["CaptureOptions", "Ending", "capture"]


@dataclass(frozen=True)
class CaptureOptions:
    """What to capture. `duration_s` and `max_events` end the recording; None: it goes on until it is stopped."""

    address: Address
    application: str = "arirecord"
    subscribe_all: bool = True
    duration_s: float | None = None
    max_events: int | None = None
    open_timeout_s: float = 10
    max_frame_bytes: int = 1 << 24

    @property
    def url(self) -> str:
        """The URL that is dialled; it holds no credentials."""
        return self.address.events_url(self.application, subscribe_all=self.subscribe_all)

    @property
    def source(self) -> dict[str, Any]:
        """What a session's header says of its source."""
        return {
            "verb": "capture",
            "url": self.address.base,
            "application": self.application,
            "subscribe_all": self.subscribe_all,
        }


@dataclass(frozen=True)
class Ending:
    """How a recording ended: `why` in words, and whether that was wanted."""

    why: str
    is_wanted: bool


async def capture(options: CaptureOptions, make_recorder: Callable[[], Recorder], stop: asyncio.Event) -> Ending:
    """Record until `stop` is set, a limit is reached, or the server ends the connection.

    `make_recorder` is called once connected, so that a failed attempt leaves nothing behind; closing and sealing are
    the caller's.

    Raises `CaptureError` where no stream could be had, in one sentence for a person.
    """
    connection = await _connect(options)
    try:
        recorder = make_recorder()
        recorder.connection("opened", url=options.address.base, application=options.application, status=101)
        ending = await _until_stopped(connection, recorder, options, stop)
        recorder.connection("closed", reason=ending.why, status=connection.close_code)
        return ending
    finally:
        await connection.close()


async def _until_stopped(
    connection: ClientConnection, recorder: Recorder, options: CaptureOptions, stop: asyncio.Event
) -> Ending:
    ending = Ending("stopped", is_wanted=True)
    try:
        async with asyncio.timeout(options.duration_s), asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(connection, recorder, options.max_events))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                ending = reading.result()
            stopping.cancel()
            reading.cancel()
    except TimeoutError:
        ending = Ending("the duration asked for was reached", is_wanted=True)
    return ending


async def _read(connection: ClientConnection, recorder: Recorder, max_events: int | None) -> Ending:
    count = 0
    try:
        while count != max_events:
            recorder.frame(await connection.recv(decode=False))
            count += 1
    except ConnectionClosed as closed:
        close = closed.rcvd
        if close is not None and close.code in (1000, 1001):
            return Ending(
                f"the server closed the connection ({close.code} {close.reason})".replace(" )", ")"),
                is_wanted=True,
            )
        return Ending(f"the connection was lost: {closed}", is_wanted=False)
    return Ending("the number of events asked for was reached", is_wanted=True)


async def _connect(options: CaptureOptions) -> ClientConnection:
    where = options.address.base
    try:
        return await connect(
            options.url,
            additional_headers=options.address.headers,
            compression=None,
            open_timeout=options.open_timeout_s,
            max_size=options.max_frame_bytes,
            user_agent_header="arirecord",
        )
    except InvalidStatus as error:
        raise CaptureError(_refused(error.response.status_code, options)) from None
    except InvalidHandshake as error:
        raise CaptureError(f"{where} answers, but not as an ARI server does: {error}") from None
    except TimeoutError:
        raise CaptureError(
            f"no answer from {where} in {options.open_timeout_s:g} s: is the host right, does a firewall block it?"
        ) from None
    except ssl.SSLError as error:
        raise CaptureError(f"no TLS with {where}: {error.reason or error}") from None
    except ConnectionRefusedError:
        raise CaptureError(
            f"connection refused: nothing listens at {where}. Is Asterisk running, with `enabled = yes` in http.conf?"
        ) from None
    except OSError as error:
        raise CaptureError(f"can't connect to {where}: {error.strerror or error}") from None


def _refused(status: int, options: CaptureOptions) -> str:
    where, user = options.address.base, options.address.user
    if status == 401:
        if user is None:
            return f"{where} wants a user: add --user NAME (the password comes from ARIRECORD_PASSWORD or a prompt)"
        return f"{where} refuses user {user!r}: wrong name or password (HTTP 401). Asterisk has them in ari.conf"
    if status == 403:
        return f"{where} forbids user {user!r} this (HTTP 403)"
    if status == 404:
        return f"no ARI at {where} (HTTP 404): the path usually is /ari, and ari.conf needs `enabled = yes`"
    if status == 400:
        return f"{where} refuses the application name {options.application!r} (HTTP 400)"
    if status == 503:
        return f"Asterisk at {where} is not ready yet (HTTP 503): try again in a moment"
    return f"{where} is not an ARI server: it answers HTTP {status}"
