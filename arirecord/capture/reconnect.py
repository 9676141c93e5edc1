"""Capture: connect to an Asterisk, record its event stream, and reconnect after a loss."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed

from arirecord.asterisk.timestamps import format_timestamp
from arirecord.errors import ArirecordError, CaptureError, ConnectionRefused
from arirecord.json_text import json_object
from arirecord.session.rows import END_OF_RECORDING

from .connect import CaptureOptions, dial
from .event_stream import EventStream
from .recorder import Recorder
from .rest_snapshots import RestRecorder, take_snapshot
from .silence import SilenceWatch
from .talker_formats import TalkerFormats

__all__ = ["Capture", "CaptureOptions", "Ending"]

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0
_LASTED_S = 5.0
_SHORT = 256
"""ApplicationReplaced is much shorter, apart from the application's name: longer frames are not checked."""


@dataclass(frozen=True)
class Ending:
    """The end of a recording, or of one of its connections: the reason `why`, and whether it was wanted. If it is
    `final`, reconnecting is useless.
    """

    why: str
    is_wanted: bool
    final: bool = True


_STOPPED = Ending("stopped", is_wanted=True)


class Capture:
    """One recording. `make_recorder` is called after connecting, so that a failed first attempt leaves no file. The
    caller closes and seals. `say` gets messages for the console. `trouble` is the reason for a missing connection;
    None while connected.
    """

    def __init__(
        self,
        options: CaptureOptions,
        make_recorder: Callable[[], Recorder],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.options = options
        self.recorder: Recorder | None = None
        self.trouble: str | None = None
        self._make_recorder = make_recorder
        self._say = say
        self._count = 0
        self._opened_ns = 0
        self._is_connected = False
        self._delay_s = _FIRST_DELAY_S
        self._failure: ArirecordError | OSError | None = None
        self._former_filter: dict[str, Any] | None = None
        self._silence = SilenceWatch(options, self._application_path)
        self._formats = TalkerFormats()

    async def run(self, stop: asyncio.Event) -> Ending:
        """Record until `stop` is set, a limit is reached, or the stream ends.

        Raises `CaptureError` with a message if the first attempt gets no stream, and the errors of `make_recorder`.
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
            async with RestRecorder(self.options.address) as rest:
                while True:
                    ending = await self._record_one_connection(rest)
                    if ending.final or not self.options.reconnect:
                        return ending
                    self.trouble = ending.why
                    self._say(f"{ending.why[0].upper()}{ending.why[1:]}. Dialling again …")
                    await self._back_off()
        except (ArirecordError, OSError) as error:
            self._failure = error  # raised from within it would be a group of exceptions
            return _STOPPED
        finally:
            if self.recorder is not None and not self._is_connected:
                self._note_gap(self.recorder)

    async def _record_one_connection(self, rest: RestRecorder) -> Ending:
        connection = await self._dial(rest)
        recorder = self._begin(rest)
        began = time.monotonic()
        try:
            return await self._until_lost(connection, recorder, rest)
        finally:
            if time.monotonic() - began > _LASTED_S:
                self._delay_s = _FIRST_DELAY_S
            await connection.close()

    async def _check_application(self, rest: RestRecorder) -> None:
        """Refuse an existing application: a second socket of one name silently takes it away from the first.

        The request is made with `takeover` too: the first request imports modules, which would delay the reading of
        events later.
        """
        name = self.options.application
        answer = await rest.ask("GET", f"/applications/{quote(name, safe='')}")
        if self.options.takeover:
            return
        known = answer.value if answer is not None and answer.status == 200 else None
        if isinstance(known, dict) and known.get("name") == name:
            raise CaptureError(
                f"application {name!r} exists at {self.options.address.base}: recording under its name would take all "
                "events away from the program that has it. Record under another --app (with subscribe-all it gets the "
                "same calls), put `arirecord tap` between that program and Asterisk, or insist with --takeover"
            )

    async def _dial(self, rest: RestRecorder) -> EventStream:
        """Connect; after a first connection, or while Asterisk is starting, try until it succeeds."""
        while True:
            try:
                if self.recorder is None:
                    await self._check_application(rest)
                return await dial(self.options)
            except CaptureError as error:
                is_booting = isinstance(error, ConnectionRefused) and error.status == 503
                if not self.options.reconnect or not (self.recorder or is_booting or self.options.waits):
                    raise
                if str(error) != self.trouble:
                    self._say(f"{error}. Trying until it works; Ctrl-C ends the recording.")
                self.trouble = str(error)
            await self._back_off()

    async def _back_off(self) -> None:
        """Wait before reconnecting: longer each time, until a connection has lasted."""
        await asyncio.sleep(self._delay_s * random.uniform(0.5, 1))
        self._delay_s = min(self._delay_s * 2, _LONGEST_DELAY_S)

    def _begin(self, rest: RestRecorder) -> Recorder:
        if self.recorder is None:
            self.recorder = rest.recorder = self._make_recorder()
        else:
            without_s = (time.time_ns() - max(self._opened_ns, self.recorder.last_ns)) / 1e9
            self._say(f"Connected again, after {without_s:.1f} s without events.")
            self._note_gap(self.recorder)
        self._is_connected = True
        self.trouble = None
        self._opened_ns = time.time_ns()
        self._note(self.recorder, "opened", status=101)
        return self.recorder

    def _note_gap(self, recorder: Recorder) -> None:
        since = format_timestamp(max(self._opened_ns, recorder.last_ns))
        self._note(recorder, "gap", lost_since=since, reason="no connection; what happened meanwhile is not known")

    def _note(self, recorder: Recorder, event: str, **fields: Any) -> None:
        recorder.connection(event, url=self.options.address.base, application=self.options.application, **fields)

    async def _until_lost(self, connection: EventStream, recorder: Recorder, rest: RestRecorder) -> Ending:
        ending = _STOPPED
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(self._ask(rest))
                ending = await self._read(connection, recorder, rest)
                asking.cancel()
            if not ending.final:
                await connection.close()
        finally:
            if self._former_filter is not None and ending.final:
                await rest.ask("PUT", self._filter_path, self._former_filter)
            self._is_connected = ending.final
            self._note(recorder, "closed", reason=ending.why, status=connection.close_code)
        return ending

    async def _ask(self, rest: RestRecorder) -> None:
        """Make the REST requests while events already arrive."""
        if self.options.allowed or self.options.disallowed:
            await self._filter(rest)
        if self.options.snapshot:
            await take_snapshot(rest)
        if self.options.formats:
            await self._formats.send(rest)

    @property
    def _application_path(self) -> str:
        return f"/applications/{quote(self.options.application, safe='')}"

    @property
    def _filter_path(self) -> str:
        return f"{self._application_path}/eventFilter"

    async def _filter(self, rest: RestRecorder) -> None:
        before = await rest.ask("GET", self._application_path)
        event_filter = {
            "allowed": [{"type": name} for name in self.options.allowed],
            "disallowed": [{"type": name} for name in self.options.disallowed],
        }
        answer = await rest.ask("PUT", self._filter_path, event_filter)
        if answer is None or answer.status >= 300:
            self._say("Asterisk did not take the filter: all events are recorded.")
        elif self._former_filter is None and before is not None and isinstance(before.value, dict):
            self._former_filter = {
                "allowed": before.value.get("events_allowed", []),
                "disallowed": before.value.get("events_disallowed", []),
            }

    async def _read(self, connection: EventStream, recorder: Recorder, rest: RestRecorder) -> Ending:
        over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        keep, limit = recorder.frames, self.options.max_events
        notice = self._formats.notice if self.options.formats else None
        short = _SHORT + 6 * len(self.options.application)  # JSON may write a character as six

        def take(data: bytes, places: Sequence[slice]) -> None:
            if over.done():
                return
            if limit is not None:
                places = places[: limit - self._count]
            keep(data, places)
            self._count += len(places)
            if notice is not None:
                notice(data, places)
            if self._count == limit:
                over.set_result(Ending("the number of events asked for was reached", is_wanted=True))
                return
            for place in places:
                if place.stop - place.start < short and self._is_replaced(data[place]):
                    over.set_result(self._taken_over())
                    return

        async def until_closed() -> None:
            try:
                await connection.recv()
            except ConnectionClosed as closed:
                if not over.done():
                    over.set_result(_lost(closed))

        async def until_silent() -> None:
            why = await self._silence.until_deaf(rest, lambda: self._count)
            if not over.done():
                over.set_result(Ending(why, is_wanted=False, final=False))

        connection.start(take, lambda: recorder.is_behind)
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(work) for work in (until_closed(), until_silent())]
            await asyncio.wait([over])
            for task in watching:
                task.cancel()
        return over.result()

    def _is_replaced(self, data: bytes) -> bool:
        if b'"ApplicationReplaced"' not in data:
            return False
        event = json_object(data)
        return event.get("type") == "ApplicationReplaced" and event.get("application") == self.options.application

    def _taken_over(self) -> Ending:
        """End the recording of a taken application: its socket stays open and silent."""
        why = f"another client took over application {self.options.application!r}, so no more events come here"
        if not self.options.takeover:
            why += " (with --takeover it would be taken back)"
        return Ending(why, is_wanted=False, final=not self.options.takeover)


def _lost(closed: ConnectionClosed) -> Ending:
    close = closed.rcvd
    if close is not None and (close.code, close.reason) == (1000, END_OF_RECORDING):
        return Ending("the recording that was replayed there is over", is_wanted=True)
    return Ending(f"the connection was lost ({closed})", is_wanted=False, final=False)
