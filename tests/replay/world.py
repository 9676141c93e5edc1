"""A replay without sockets: events go in, and the commands that come out are carried out here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from arirecord.replay import events
from arirecord.replay.clients.channel_ownership import Membership
from arirecord.replay.options import ReplayOptions
from arirecord.replay.pbx.lazy_state import BuildState
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.playback import Playback
from arirecord.replay.rest.messages import RestRequest
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, RecordedRest
from arirecord.replay.timing.clock import PlaybackClock
from arirecord.session.header import Header
from arirecord.session.reader import Frame

from .support import Now, frame

S = 1_000_000_000
START_NS = frame(0, 0).t_ns


def event(number: int, at_ns: int, app: str = "app", kind: str = "ChannelDtmfReceived") -> Frame:
    raw = json.dumps({"type": kind, "n": number, "application": app})
    return frame(number, at_ns, raw, app)._replace(type=kind)


@dataclass(eq=False)
class Listener:
    """A client. `numbers` are the events that it received, each with the position of the clock then."""

    name: str = "client"
    is_broken: bool = False
    texts: list[Any] = field(default_factory=list)
    at_ns: list[int] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return [text["n"] for text in self.texts if "n" in text]


class World:
    """A playback, a recording, and a clock that moves when told. `log` is what was done, in order.

    `rows` are the rows of the exchanges, made from them if None.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        rest: RecordedRest | None = None,
        piece: int = 7,
        start_ns: int = START_NS,
        rows: Sequence[Frame] | None = None,
        **options: Any,
    ) -> None:
        self.now = Now()
        self.options = ReplayOptions(**options)
        self.clock = PlaybackClock(self.options.clock_speed, self.now, start_ns)
        apps = dict.fromkeys((f.application or "" for f in frames), 1)
        header = Header(start_ns, {"verb": "import"}, applications=apps)
        recorded = rest or RecordedRest(applications=list(apps))
        count = 0 if self.options.clock_speed is not None else 20_000
        self.playback = Playback(header, self.options, self.clock, recorded, Membership(), lambda ns: count)
        gates = [] if self.playback.pacing is None else self.playback.pacing.gates
        if rows is None:
            rows = [Frame(e.seq, e.t_ns, e.t_ns - start_ns, "rest", None, None, "{}") for e in recorded.exchanges]
        self.frames = sorted([*frames, *gates, *rows], key=lambda f: (f.elapsed_ns, f.seq))
        self.read = 0
        self.piece = piece
        self.builds: list[BuildState] = []
        self.is_reading = True
        self.log: list[events.Command] = []
        self.wake_ns: int | None = None

    def take(self, event: events.Event) -> None:
        for command in self.playback.handle(event):
            self.log.append(command)
            self.do(command)

    def do(self, command: events.Command) -> None:
        match command:
            case events.Send(Listener() as client, payloads):
                if client.is_broken:
                    self.take(events.SendFailed(client))
                else:
                    client.texts += [json.loads(text) for text in payloads]
                    client.at_ns += [self.clock.position_ns()] * len(payloads)
            case events.Respond(events.MessageReceived(Listener() as client)):
                client.texts.append(json.loads(command.text))
            case events.ReadFrames():
                self.take(events.FramesRead(self.frames[self.read : self.read + self.piece]))
                self.read += self.piece
            case events.SeekFrames(position):
                self.read = next((n for n, f in enumerate(self.frames) if f.t_ns >= position.ns), len(self.frames))
            case BuildState():
                self.builds.append(command)
                if self.is_reading:
                    self.take(events.StateBuilt(command, PbxState()))
            case events.Wait(until_ns):
                self.wake_ns = until_ns

    def run(self, turns: int = 10_000) -> None:
        """Do all that is to be done now."""
        for _ in range(turns):
            length = len(self.log)
            self.take(events.Due(can_read=True))
            waits = len(self.log) > length and isinstance(self.log[-1], events.Wait)
            if waits and (self.wake_ns is None or self.wake_ns > self.now.ns):
                return
        pytest.fail("it never waits")

    def connect(self, name: str = "client", apps: Sequence[str] = ("app",), subscribe_all: bool = False) -> Listener:
        client = Listener(name)
        self.take(events.ClientConnected(client, apps, subscribe_all))
        return client

    def pass_s(self, seconds: float) -> None:
        self.pass_ns(int(seconds * S))

    def pass_ns(self, ns: int) -> None:
        """Let time pass, with a turn whenever the playback wants one."""
        end_ns = self.now.ns + ns
        while self.wake_ns is not None and self.now.ns < self.wake_ns < end_ns:
            self.now.ns = self.wake_ns
            self.run()
        self.now.ns = end_ns
        self.run()

    def ask(self, method: str, target: str, body: bytes = b"", address: str = "1.2.3.4:5") -> events.RequestReceived:
        request = events.RequestReceived(RestRequest(method, target, body, "application/json"), address)
        self.take(request)
        return request

    def of(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.log if isinstance(command, kind)]


def every_second(count: int) -> list[Frame]:
    return [event(n, n * S) for n in range(count)]


def command_at(at_s: float, uri: str, took_s: float = 0, seq: int = -1) -> RecordedExchange:
    """A command whose response was complete at this time."""
    at_ns = START_NS + round(at_s * S)
    return RecordedExchange("app", "POST", uri, 204, b"", "application/json", round(took_s * S), at_ns, seq=seq)
