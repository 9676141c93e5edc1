"""The core of a replay: takes events, such as a client's request, and returns commands, such as frames to send."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from arirecord.session.header import Header
from arirecord.session.reader import Frame

from . import events
from .clients.app_registry import ari_time, registered, replaced
from .clients.channel_ownership import Membership
from .connected_clients import ConnectedClients
from .events import Command, Report, Respond, Send, Wait
from .options import ReplayOptions
from .pbx.lazy_state import LazyState
from .rest.client_pacing import ClientPacing
from .rest.messages import RestRequest, RestResponse, error
from .rest.recorded_exchanges import RecordedRest
from .rest.websocket_rest import RestMessage, parse_message, response_text
from .rest_handler import Accepted, ClientExchange, RestHandler
from .scheduler import Scheduler
from .timing.chaos import Chaos, Fault
from .timing.clock import PlaybackClock
from .timing.progress import Place

__all__ = ["Playback"]

_STOP_S: Final = 0.5
_NOTICE_S: Final = 1.0

# A response waits at most this long for the events that were recorded before it.
_HELD_NS: Final = 5_000_000_000

# A client that sends a request this much before the recorded app did, in the time of the recording, follows it no more.
_EARLY_NS: Final = 1_000_000_000

_DELAYS: Final = ("rest-slow", "rest-none")
_NEVER_S: Final = 86_400

# Requests to these do not depend on the pbx state.
_STATELESS: Final = ("api-docs", "events")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that is not answered yet. `message` is that of the WebSocket that brought it.

    `accepted` is missing until a seek has ended. The response has its `place` among the frames if it was recorded.
    """

    source: events.RequestReceived | events.MessageReceived
    request: RestRequest
    began_ns: int
    message: RestMessage | None = None
    accepted: Accepted | RestResponse | None = None
    place: Place | None = None
    fault: Fault | None = None


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
        clock: PlaybackClock,
        recorded: RecordedRest,
        membership: Membership,
        rows_before: Callable[[int], int],
    ) -> None:
        self.pacing: ClientPacing | None = None
        if options.pace == "client":
            self.pacing = ClientPacing(recorded.exchanges, recorded.name_of, header.started_ns)
        self.chaos = Chaos(options.chaos, options.seed) if options.chaos else None
        self._seed = options.seed
        self._clock = clock
        self._connected_ns = recorded.connected_ns
        self._asterisk_id = next(filter(None, header.asterisk_ids), "00:00:00:00:00:00")
        self._state = LazyState(rows_before)
        self.clients = ConnectedClients(header, options, self._state.pbx, membership)
        self._rest = RestHandler(
            recorded,
            self._state.pbx,
            self.clients.applications,
            self._asterisk_id,
            self._recorded_time,
            clock.recording_ns,
        )
        self.scheduler = Scheduler(options, clock, self.clients, self._state, self._rest, self.pacing, self.chaos)
        self._pending: list[_Pending] = []

    def watch(self, call: Callable[[Sequence[Frame]], object]) -> None:
        """Call this with the frames that are sent from now on."""
        self._rest.on_frames = call

    def client_channel(self, channel_id: str) -> str:
        """The client's id of a recorded channel."""
        return self._rest.ids.client("channels", channel_id)

    def add_fault(self, fault: Fault) -> None:
        """Let a fault of REST strike further requests."""
        if self.chaos is None:
            self.chaos = Chaos((), self._seed)
        self.chaos.add(fault)

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
        if self._pending:
            commands = self._with_responses(commands)
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
                commands = scheduler.state_built(unreadable)
                return self._with_responses(commands, unreadable) if unreadable else commands
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
            case events.Inject(given):
                envelope = {"timestamp": self._time(), "asterisk_id": self._asterisk_id}
                return self.clients.inject({**envelope, **given})
            case events.Stop():
                return [self.clients.close(1001, "the replay ends", _STOP_S)]
        return ()

    def _connect(self, event: events.ClientConnected) -> Sequence[Command]:
        arrival = self.clients.connect(event, self.scheduler.has_ended)
        if self.pacing is not None and self._connected_ns is not None:
            start_ns, frames = self.pacing.start_request_ns, self.scheduler.frames
            self.scheduler.moments.connected(self._clock.now_ns(), self._connected_ns, start_ns, frames)
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
        """Take a request. The response follows when the pbx state is current, in its place if it was recorded."""
        if pending.request.segments[0] in _STATELESS:
            return [self._respond(replace(pending, accepted=self._rest.accept(pending.request)))]
        self._pending.append(pending)
        self.scheduler.requested()
        build = self._state.query()
        return () if build is None else [build]

    def _accept(self, pending: _Pending) -> _Pending:
        """Find a request in the recording: its response may be due now, or with a later frame."""
        accepted = self._rest.accept(pending.request, pending.source.address)
        if self.chaos is not None and pending.request.segments[0] not in _STATELESS:
            path = "/" + "/".join(pending.request.segments)
            fault = self.chaos.strike_request(pending.request.method, path)
            pending = replace(pending, fault=fault)
        if isinstance(accepted, RestResponse):
            return replace(pending, accepted=accepted)
        now_ns = self._clock.recording_ns()
        found = accepted.recalled.found
        exchange = None if found is None else found.exchange
        if self.pacing is not None:
            exchange = self.pacing.count(accepted.key, now_ns, self._rest.may_be) or exchange
        elif exchange is not None and exchange.begun_ns - now_ns > _EARLY_NS:
            exchange = None  # the client is not where the recorded app was
        return replace(pending, accepted=accepted, place=exchange and exchange.place)

    def _with_responses(self, commands: Sequence[Command], unreadable: str = "") -> Sequence[Command]:
        """The commands with the responses that are due after them, before a further wait."""
        if (self.scheduler.seeks is not None or self.scheduler.is_held_due) and not unreadable:
            return commands
        if not self._state.is_current and not unreadable:
            build = self._state.query()
            return commands if build is None else [*commands, build]
        responses: list[Command] = []
        waiting: list[_Pending] = []
        now_ns = self._clock.now_ns()
        for one in self._pending:
            pending = one if one.accepted is not None or unreadable else self._accept(one)
            if not unreadable and (self._waits(pending, now_ns) or _is_behind(pending, waiting)):
                waiting.append(pending)
            else:
                responses.append(self._respond(pending, unreadable))
        self._pending = waiting
        self.scheduler.progress.stops = {pending.place for pending in waiting if pending.place is not None}
        if not commands or not isinstance(wait := commands[-1], Wait):
            return [*commands, *responses]
        if responses:
            return [*commands[:-1], *responses]
        gate_ns = self.scheduler.gate_wait.concurrent_until_ns
        slow = [one.began_ns + int(one.fault.amount * 1e9) for one in waiting if one.fault is not None]
        times = [wait.until_ns, gate_ns, *slow, *(one.began_ns + _HELD_NS for one in waiting)]
        until_ns = min((ns for ns in times if ns is not None and ns > now_ns), default=wait.until_ns)
        return [*commands[:-1], Wait(until_ns)]

    def _waits(self, pending: _Pending, now_ns: int) -> bool:
        place, fault = pending.place, pending.fault
        if fault is not None and fault.name in _DELAYS:
            delay_s = fault.amount or _NEVER_S
            return now_ns < pending.began_ns + int(delay_s * 1e9)
        return place is not None and now_ns < pending.began_ns + _HELD_NS and self.scheduler.approaches(place)

    def _respond(self, pending: _Pending, unreadable: str = "") -> Respond:
        exchange: ClientExchange | None = None
        accepted = pending.accepted
        is_in_place = pending.place is not None and self.scheduler.progress.is_at(pending.place)
        if accepted is None:
            response = error(503, unreadable)
        elif isinstance(accepted, RestResponse):
            response = accepted
            exchange = self._rest.unknown(pending.request, response)
        else:
            response, exchange = self._rest.complete(accepted, is_in_place)
        if pending.fault is not None and pending.fault.name not in _DELAYS:
            response = _with_fault(pending.fault)
            exchange = exchange and exchange._replace(response=response)
        if exchange is not None and self.pacing is not None:
            self.scheduler.moments.responded(self._clock.now_ns())
        shift = self.scheduler.shift
        if shift is not None and response.content_type == "application/json":
            moved = shift.text(response.content.decode("utf-8", "surrogateescape"))
            response = replace(response, body=moved.encode("utf-8", "surrogateescape"))
        text = ""
        if pending.message is not None and isinstance(pending.source, events.MessageReceived):
            text = self._response_text(pending.source, pending.message, response)
        now_ns = self._clock.now_ns()
        if exchange is not None:
            exchange = exchange._replace(begun_ns=pending.began_ns, ended_ns=now_ns)
        took_ns = now_ns - pending.began_ns
        return Respond(pending.source, pending.request, response, took_ns, exchange, text, is_in_place)

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


def _with_fault(fault: Fault) -> RestResponse:
    """The response to a request that is refused, or whose response ends before it is complete."""
    if fault.name == "rest-status":
        return error(int(fault.amount), "chaos")
    return RestResponse(200, body=b"{", headers={"Content-Length": "65536"})


def _is_behind(pending: _Pending, waiting: Sequence[_Pending]) -> bool:
    """Whether an earlier request over the same WebSocket waits: Asterisk answers those in their order."""
    source = pending.source
    return isinstance(source, events.MessageReceived) and any(
        isinstance(one.source, events.MessageReceived) and one.source.client is source.client for one in waiting
    )
