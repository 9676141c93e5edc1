"""The core of a replay: takes events, such as a client's request, and returns commands, such as frames to send."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from arirecord.session.header import Header

from . import events
from .clients.subscription import Membership
from .clients.synthetic_events import ari_time, registered, replaced
from .connected_clients import ConnectedClients
from .events import Command, Report, Respond, Send
from .options import ReplayOptions
from .pbx.lazy_state import LazyState
from .rest.client_pacing import ClientPacing
from .rest.messages import RestRequest, RestResponse, error
from .rest.recorded_exchanges import RecordedRest
from .rest.rest_messages import RestMessage, parse_message, response_text
from .rest_handler import RestHandler
from .scheduler import Scheduler
from .timing.chaos import Chaos
from .timing.clock import PlayerClock

__all__ = ["Playback"]

_STOP_S: Final = 0.5
_NOTICE_S: Final = 1.0

# Requests to these do not depend on the pbx state.
_STATELESS: Final = ("api-docs", "events")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that is not answered yet. `message` is that of the WebSocket that brought it."""

    source: events.RequestReceived | events.MessageReceived
    request: RestRequest
    began_ns: int
    message: RestMessage | None = None


class Playback:
    """A replay without sockets, tasks and files: `handle` takes an event and returns the commands that follow from it.

    Commands are executed in their order, and those of a `Due` before the next one: recorded frames and responses to
    requests are in one list. `rows_before` returns the maximum number of frames before a time; `membership` is
    needed if the options map applications.

    `pacing` knows the requests that events wait for, `chaos` the faults to inject; None if the options want none.
    Raises `ReplayError` for a mapping of an application that is not in the recording.
    """

    def __init__(
        self,
        header: Header,
        options: ReplayOptions,
        clock: PlayerClock,
        recorded: RecordedRest,
        membership: Membership,
        rows_before: Callable[[int], int],
    ) -> None:
        self.pacing: ClientPacing | None = None
        if options.pace == "client":
            self.pacing = ClientPacing(recorded.exchanges, recorded.name_of, header.started_ns)
        self.chaos = Chaos(options.chaos, options.seed) if options.chaos else None
        self._clock = clock
        self._asterisk_id = next(filter(None, header.asterisk_ids), "00:00:00:00:00:00")
        self._state = LazyState(rows_before)
        self.clients = ConnectedClients(header, options, self._state.switch, membership)
        self._rest = RestHandler(
            recorded,
            self._state.switch,
            self.clients.applications,
            self._asterisk_id,
            self._recorded_time,
            clock.recording_ns,
        )
        self.scheduler = Scheduler(options, clock, self.clients, self._state, self._rest, self.pacing, self.chaos)
        self._pending: list[_Pending] = []

    def registered(self, application: str) -> str:
        """The event with which an outbound WebSocket begins, before its `ClientConnected`."""
        return registered(application, self._time(), self._asterisk_id)

    def handle(self, event: events.Event) -> Sequence[Command]:
        """Take an event; return the commands that follow from it, in order.

        Raises `ReplayError` if the session cannot be read further, and `ValueError` for a speed that is not above 0.
        """
        match event:
            case events.Due(can_read):  # the most frequent events come first, and change the clock only at a gate
                commands = self.scheduler.turn(can_read)
            case events.FramesRead(frames):
                self.scheduler.feed(frames)
                commands = ()
            case _:
                commands = self._handle(event)
                self.scheduler.update_clock()
        if self.chaos is not None and (struck := self.chaos.take_struck()):
            return [*(events.NoteFault(name, frame) for name, frame in struck), *commands]
        return commands

    def _handle(self, event: events.Event) -> Sequence[Command]:
        scheduler = self.scheduler
        match event:
            case events.RequestReceived(request):
                return self._ask(_Pending(event, request, self._clock.now_ns()))
            case events.MessageReceived():
                return self._message(event)
            case events.StateBuilt(build, state, unreadable):
                if not self._state.built(build, state):
                    return ()
                return [*scheduler.state_built(unreadable), *self._respond_to_all(unreadable)]
            case events.ClientConnected():
                return self._connect(event)
            case events.ClientLeft(client):
                report = self.clients.leave(client)
                return () if report is None else [Report(report)]
            case events.SendFailed(client):
                if self.clients.lose(client):
                    scheduler.lost()
            case events.Pause():
                scheduler.is_paused = True
            case events.Resume():
                scheduler.is_paused = False
            case events.Step():
                scheduler.steps += 1
            case events.SetSpeed(speed):
                self._clock.set_speed(speed)
            case events.Seek(position):
                scheduler.seek(position)
            case events.NextCall(starts):
                start = next((start for start in starts if start.ns > self._clock.recording_ns()), None)
                if start is None:
                    return [Report("No further call in the recording.")]
                scheduler.seek(start)
            case events.Stop():
                return [self.clients.close(1001, "the replay ends", _STOP_S)]
        return ()

    def _connect(self, event: events.ClientConnected) -> Sequence[Command]:
        arrival = self.clients.connect(event, self.scheduler.has_ended)
        if arrival.restarts:
            self.scheduler.restart()
        commands: list[Command] = [Report(text) for text in arrival.reports]
        for older, application in arrival.taken:
            notice = replaced(application, self._time(), self._asterisk_id)
            commands.append(Send(older.client, [notice], _NOTICE_S))
        return commands

    def _message(self, event: events.MessageReceived) -> Sequence[Command]:
        message = parse_message(event.text)
        if message.request is None:
            text = self._response_text(event, message, message.refusal)
            return [Respond(event, None, message.refusal, 0, text=text)]
        return self._ask(_Pending(event, message.request, self._clock.now_ns(), message))

    def _ask(self, pending: _Pending) -> Sequence[Command]:
        """Respond to a request, once the pbx state is current."""
        if pending.request.segments[0] in _STATELESS:
            return [self._respond(pending)]
        self._pending.append(pending)
        build = self._state.query()
        return self._respond_to_all() if build is None else [build]

    def _respond_to_all(self, unreadable: str = "") -> Sequence[Command]:
        if not self._state.is_current and not unreadable:
            return ()
        pending, self._pending = self._pending, []
        return [self._respond(one, unreadable) for one in pending]

    def _respond(self, pending: _Pending, unreadable: str = "") -> Respond:
        exchange = None
        if unreadable:
            response = error(503, unreadable)
        else:
            response, exchange = self._rest.respond(pending.request)
        if exchange is not None and self.pacing is not None:
            self.scheduler.requested()
            self.pacing.count(exchange.key, self._clock.recording_ns())
        shift = self.scheduler.shift
        if shift is not None and response.content_type == "application/json":
            moved = shift.text(response.content.decode("utf-8", "surrogateescape"))
            response = replace(response, body=moved.encode("utf-8", "surrogateescape"))
        text = ""
        if pending.message is not None and isinstance(pending.source, events.MessageReceived):
            text = self._response_text(pending.source, pending.message, response)
        took_ns = self._clock.now_ns() - pending.began_ns
        return Respond(pending.source, pending.request, response, took_ns, exchange, text)

    def _response_text(self, event: events.MessageReceived, message: RestMessage, response: RestResponse) -> str:
        application = self.clients.application(event.client)
        return response_text(message, response, application, self._time(), self._asterisk_id)

    def _recorded_time(self) -> str:
        """The time of the recording, as ARI writes times."""
        return ari_time(self._clock.recording_ns())

    def _time(self) -> str:
        """The same, moved if dates are."""
        shift = self.scheduler.shift
        return ari_time(self._clock.recording_ns() + (shift.ms * 1_000_000 if shift else 0))
