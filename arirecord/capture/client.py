"""Capture: dial an Asterisk, record its event stream, and dial again when it is lost."""

import asyncio
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from arirecord.ari.timestamps import format_timestamp
from arirecord.errors import CaptureError
from arirecord.session.rows import END_OF_RECORDING

from .address import Address
from .recorder import Recorder
from .rest import Rest, take_snapshot

__all__ = ["Capture", "CaptureOptions", "Ending"]

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0
_LASTED_S = 5.0
_SHORT = 1024
"""ApplicationReplaced is a short event: longer frames need no look."""


@dataclass(frozen=True)
class CaptureOptions:
    """What to capture, and how.

    `duration_s` and `max_events` end the recording; None: it goes on until it is stopped. `reconnect` dials again after
    a loss, without end. `takeover` takes the application from a client that has it. `allowed` and `disallowed` are
    event types for Asterisk's own `eventFilter`. `keepalive_s` is the interval of WebSocket pings and how long the
    answer may take.
    """

    address: Address
    application: str = "arirecord"
    subscribe_all: bool = True
    duration_s: float | None = None
    max_events: int | None = None
    reconnect: bool = True
    takeover: bool = False
    snapshot: bool = True
    allowed: tuple[str, ...] = ()
    disallowed: tuple[str, ...] = ()
    keepalive_s: float = 20
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
            **({"filter": list(self.allowed)} if self.allowed else {}),
            **({"exclude": list(self.disallowed)} if self.disallowed else {}),
        }


@dataclass(frozen=True)
class Ending:
    """How a recording, or one connection of it, ended: `why` in words, and whether that was wanted; if it is `final`,
    dialling again is of no use.
    """

    why: str
    is_wanted: bool
    final: bool = True


_STOPPED = Ending("stopped", is_wanted=True)


class _Refused(CaptureError):
    """The handshake was answered with an HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Capture:
    """One recording. `make_recorder` is called once connected, so that a failed first attempt leaves nothing behind;
    closing and sealing are the caller's. `say` gets sentences for a person.
    """

    def __init__(
        self,
        options: CaptureOptions,
        make_recorder: Callable[[], Recorder],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.options = options
        self.recorder: Recorder | None = None
        self._make_recorder = make_recorder
        self._say = say
        self._count = 0
        self._opened_ns = 0
        self._is_connected = False
        self._delay_s = _FIRST_DELAY_S
        self._failure: CaptureError | None = None
        self._former_filter: dict[str, Any] | None = None

    async def run(self, stop: asyncio.Event) -> Ending:
        """Record until `stop` is set, a limit is reached, or the stream is over.

        Raises `CaptureError` where at the first attempt no stream can be had, in one sentence for a person.
        """
        try:
            async with asyncio.timeout(self.options.duration_s), asyncio.TaskGroup() as tasks:
                recording = tasks.create_task(self._record())
                stopping = tasks.create_task(stop.wait())
                await asyncio.wait([recording, stopping], return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                recording.cancel()
        except TimeoutError:
            return Ending("the duration asked for was reached", is_wanted=True)
        if self._failure is not None:
            raise self._failure
        return _STOPPED if recording.cancelled() else recording.result()

    async def _record(self) -> Ending:
        try:
            async with Rest(self.options.address) as rest:
                while True:
                    ending = await self._record_one_connection(rest)
                    if ending.final or not self.options.reconnect:
                        return ending
                    self._say(f"{ending.why[0].upper()}{ending.why[1:]}. Dialling again …")
                    await self._back_off()
        except CaptureError as error:
            self._failure = error
            return _STOPPED
        finally:
            if self.recorder is not None and not self._is_connected:
                self._note_gap(self.recorder)

    async def _record_one_connection(self, rest: Rest) -> Ending:
        connection = await self._dial(rest)
        recorder = self._begin(rest)
        began = time.monotonic()
        try:
            return await self._until_lost(connection, recorder, rest)
        finally:
            if time.monotonic() - began > _LASTED_S:
                self._delay_s = _FIRST_DELAY_S
            await connection.close()

    async def _check_application(self, rest: Rest) -> None:
        """A second socket of one name takes the application away from the first, silently: never unasked."""
        if self.options.takeover:
            return
        name = self.options.application
        answer = await rest.ask("GET", f"/applications/{quote(name, safe='')}")
        known = answer.value if answer is not None and answer.status == 200 else None
        if isinstance(known, dict) and known.get("name") == name:
            raise CaptureError(
                f"application {name!r} exists at {self.options.address.base}: recording under its name would take all "
                "events away from the program that has it. Record under another --app (with subscribe-all it hears the "
                "same calls), put `arirecord tap` between that program and Asterisk, or insist with --takeover"
            )

    async def _dial(self, rest: Rest) -> ClientConnection:
        """Connect; once there was a connection, or where Asterisk is still booting, try until there is one."""
        is_first = True
        while True:
            try:
                if self.recorder is None:
                    await self._check_application(rest)
                return await _connect(self.options)
            except CaptureError as error:
                is_booting = isinstance(error, _Refused) and error.status == 503
                if not self.options.reconnect or not (self.recorder or is_booting):
                    raise
                if is_first:
                    self._say(f"{error}. Trying until it works; Ctrl-C ends the recording.")
                    is_first = False
            await self._back_off()

    async def _back_off(self) -> None:
        """Wait before dialling again: longer each time, until a connection has lasted."""
        await asyncio.sleep(self._delay_s * random.uniform(0.5, 1))
        self._delay_s = min(self._delay_s * 2, _LONGEST_DELAY_S)

    def _begin(self, rest: Rest) -> Recorder:
        if self.recorder is None:
            self.recorder = rest.recorder = self._make_recorder()
        else:
            without_s = (time.time_ns() - max(self._opened_ns, self.recorder.last_ns)) / 1e9
            self._say(f"Connected again, after {without_s:.1f} s without events.")
            self._note_gap(self.recorder)
        self._is_connected = True
        self._opened_ns = time.time_ns()
        self._note(self.recorder, "opened", status=101)
        return self.recorder

    def _note_gap(self, recorder: Recorder) -> None:
        since = format_timestamp(max(self._opened_ns, recorder.last_ns))
        self._note(recorder, "gap", lost_since=since, reason="no connection; what happened meanwhile is not known")

    def _note(self, recorder: Recorder, what: str, **fields: Any) -> None:
        recorder.connection(what, url=self.options.address.base, application=self.options.application, **fields)

    async def _until_lost(self, connection: ClientConnection, recorder: Recorder, rest: Rest) -> Ending:
        ending = _STOPPED
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(self._ask(rest))
                ending = await self._read(connection, recorder)
                asking.cancel()
        finally:
            if self._former_filter is not None and ending.final:
                await rest.ask("PUT", self._filter_path, self._former_filter)
            self._is_connected = ending.final
            self._note(recorder, "closed", reason=ending.why, status=connection.close_code)
        return ending

    async def _ask(self, rest: Rest) -> None:
        """What is asked over REST while events already come in."""
        if self.options.allowed or self.options.disallowed:
            await self._filter(rest)
        if self.options.snapshot:
            await take_snapshot(rest)

    @property
    def _filter_path(self) -> str:
        return f"/applications/{quote(self.options.application, safe='')}/eventFilter"

    async def _filter(self, rest: Rest) -> None:
        before = await rest.ask("GET", self._filter_path.removesuffix("/eventFilter"))
        wanted = {
            "allowed": [{"type": name} for name in self.options.allowed],
            "disallowed": [{"type": name} for name in self.options.disallowed],
        }
        answer = await rest.ask("PUT", self._filter_path, wanted)
        if answer is None or answer.status >= 300:
            self._say("Asterisk did not take the filter: all events are recorded.")
        elif self._former_filter is None and before is not None and isinstance(before.value, dict):
            self._former_filter = {
                "allowed": before.value.get("events_allowed", []),
                "disallowed": before.value.get("events_disallowed", []),
            }

    async def _read(self, connection: ClientConnection, recorder: Recorder) -> Ending:
        try:
            while self._count != self.options.max_events:
                data = await connection.recv(decode=False)
                recorder.frame(data)
                self._count += 1
                if len(data) < _SHORT and b'"ApplicationReplaced"' in data and self._is_replaced(data):
                    return self._taken_over()
        except ConnectionClosed as closed:
            close = closed.rcvd
            if close is not None and (close.code, close.reason) == (1000, END_OF_RECORDING):
                return Ending("the recording that was replayed there is over", is_wanted=True)
            return Ending(f"the connection was lost ({closed})", is_wanted=False, final=False)
        return Ending("the number of events asked for was reached", is_wanted=True)

    def _is_replaced(self, data: bytes) -> bool:
        try:
            event = orjson.loads(data)
            return bool(event["type"] == "ApplicationReplaced" and event["application"] == self.options.application)
        except (ValueError, KeyError, TypeError):
            return False

    def _taken_over(self) -> Ending:
        """The socket stays open and silent from now on."""
        why = f"another client took over application {self.options.application!r}, so no more events come here"
        if not self.options.takeover:
            why += " (with --takeover it would be taken back)"
        return Ending(why, is_wanted=False, final=not self.options.takeover)


async def _connect(options: CaptureOptions) -> ClientConnection:
    where = options.address.base
    try:
        return await connect(
            options.url,
            additional_headers=options.address.headers,
            ssl=options.address.tls,
            proxy=None,
            compression=None,
            open_timeout=options.open_timeout_s,
            close_timeout=2,
            ping_interval=options.keepalive_s,
            ping_timeout=options.keepalive_s,
            max_size=options.max_frame_bytes,
            user_agent_header="arirecord",
        )
    except InvalidStatus as error:
        status = error.response.status_code
        raise _Refused(_refusal(status, options), status) from None
    except InvalidHandshake as error:
        raise CaptureError(f"{where} answers, but not as an ARI server does: {error}") from None
    except TimeoutError:
        raise CaptureError(
            f"no answer from {where} in {options.open_timeout_s:g} s: is the host right, does a firewall block it?"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise CaptureError(
            f"the certificate of {where} is not to be trusted ({error.verify_message}): name its authority with --ca"
        ) from None
    except ssl.SSLError as error:
        raise CaptureError(f"no TLS with {where}: {error.reason or error}") from None
    except ConnectionRefusedError:
        raise CaptureError(
            f"connection refused: nothing listens at {where}. Is Asterisk running, with `enabled = yes` in http.conf?"
        ) from None
    except OSError as error:
        raise CaptureError(f"can't connect to {where}: {error.strerror or error}") from None


def _refusal(status: int, options: CaptureOptions) -> str:
    where, user = options.address.base, options.address.user
    if status == 401 and user is None:
        return f"{where} wants a user: add --user NAME (the password comes from ARIRECORD_PASSWORD or a prompt)"
    sentences = {
        400: f"{where} refuses the application name {options.application!r} (HTTP 400)",
        401: f"{where} refuses user {user!r}: wrong name or password (HTTP 401). Asterisk has them in ari.conf",
        403: f"{where} forbids user {user!r} this (HTTP 403)",
        404: f"no ARI at {where} (HTTP 404): the path usually is /ari, and ari.conf needs `enabled = yes`",
        503: f"Asterisk at {where} is not ready yet (HTTP 503)",
    }
    return sentences.get(status, f"{where} is not an ARI server: it answers HTTP {status}")
