"""What Asterisk said is up, held against what a replay says is up at that moment of the recording."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from arirecord.asterisk.rest_operations import Route, find
from arirecord.replay.clients.app_registry import Applications
from arirecord.replay.pbx.state import PbxState
from arirecord.replay.rest.exchange_reader import read_recorded
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, RecordedRest, exchange_of
from arirecord.replay.rest_handler import RestHandler
from arirecord.session.reader import Frame, open_session

MOMENT = "2026-11-23T22:05:24.514+0000"

_LATE_LISTS = 10
"""An application's lists change this many times later: a thread of Asterisk's changes them after the event was sent.

Seen beside six busy loops: a list that was more than 22.6 ms late, where no event was later than that.
"""

_ASKED = {
    *(("channels", name) for name in ("list", "get", "getChannelVar")),
    *(("bridges", name) for name in ("list", "get")),
    *(("endpoints", name) for name in ("list", "listByTech", "get")),
    *(("deviceStates", name) for name in ("list", "get")),
    *(("playbacks", "get"), ("recordings", "getLive"), ("recordings", "listStored"), ("recordings", "getStored")),
    *(("asterisk", "getInfo"), ("sounds", "list"), ("applications", "list"), ("applications", "get")),
}


@dataclass
class Probe:
    """One question that was asked in the recording. `said` are the replay's answers around that moment."""

    exchange: RecordedExchange
    match: Route
    said: list[tuple[int, Any]]

    @property
    def truth(self) -> tuple[int, Any]:
        return self.exchange.status or 0, comparable(self.exchange.value)

    @property
    def is_equal(self) -> bool:
        if self.match.operation.resource != "applications" or self.truth[0] != 200:
            return self.truth in self.said
        # Asterisk reads an application's lists one after the other while its threads change each by itself.
        parts = {part for status, value in self.said if status == 200 for part in _parts(value)}
        return _parts(self.truth[1]) <= parts


def comparable(value: Any) -> Any:
    """An answer as it is compared.

    Lists are in any order, for ARI gives none. `technology` of a bridge is left out: Asterisk changes it while channels
    come and go, and no event tells.
    """
    if isinstance(value, list):
        return sorted((comparable(item) for item in value), key=repr)
    if isinstance(value, dict):
        hidden = {"technology"} if "bridge_class" in value else set()
        return {key: comparable(item) for key, item in value.items() if key not in hidden}
    return value


def _parts(applications: Any) -> set[str]:
    """Which applications there are, and each list of each."""
    known = {each["name"]: each for each in (applications if isinstance(applications, list) else [applications])}
    return {repr(sorted(known)), *(repr((name, field)) for name, each in known.items() for field in each.items())}


def longest_delay_ns(path: Path) -> int:
    """The longest time from the `timestamp` of an event to its receipt, in nanoseconds."""
    events = open_session(path).frames(kinds=("event",))
    return max(frame.t_ns - _timestamp_ns(orjson.loads(frame.raw)["timestamp"]) for frame in events)


def _timestamp_ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000


def probes(path: Path, around_ns: int) -> list[Probe]:
    """All questions about what is up, and what a replay says around that moment, from events and commands.

    Only the first answer to each list is known to it, as from a recorder that asks when it connects. What REST says and
    what events say may be `around_ns` apart: Asterisk's threads for them run independently.
    """
    session = open_session(path)
    frames = list(session.frames(kinds=("event", "rest")))
    asked: list[Probe] = []
    start: list[Frame] = []
    known: set[str] = set()
    for frame in frames:
        exchange = exchange_of(frame.raw, frame.t_ns) if frame.kind == "rest" else None
        if exchange is None or exchange.method != "GET" or exchange.status is None:
            continue
        request = exchange.request
        match = find("GET", request.segments)
        if match is None or (match.operation.resource, match.operation.name) not in _ASKED:
            continue
        if match.operation.name == "list" and match.operation.resource not in known:
            known.add(match.operation.resource)
            start.append(frame)
            continue
        asked.append(Probe(exchange, match, []))
    recorded = read_recorded(session)
    rest, pbx = _rest(recorded)
    known_ns = {frame.t_ns for frame in start}
    events = [frame for frame in frames if frame.kind == "event" or frame.t_ns in known_ns or frame.type == "POST"]
    for before, after in zip([None, *events], [*events, None], strict=True):
        pbx.feed([before] if before else [])
        for probe in _near(asked, before, after, around_ns):
            answer = rest.respond(probe.exchange.request)[0]
            value = comparable(orjson.loads(answer.content))
            if (answer.status, value) not in probe.said:
                probe.said.append((answer.status, value))
            if before is not None and before.type == "PlaybackFinished":
                probe.said += _forgotten_soon(probe, before)
    return asked


def _forgotten_soon(probe: Probe, finished: Frame) -> list[tuple[int, Any]]:
    """Asterisk tells of a playback's end a moment before it forgets it: who asks then hears what the event says."""
    playback = orjson.loads(finished.raw)["playback"]
    is_asked = probe.exchange.request.segments[-2:] == ["playbacks", playback["id"]]
    return [(200, comparable(playback))] if is_asked else []


def _near(asked: list[Probe], before: Frame | None, after: Frame | None, around_ns: int) -> Iterator[Probe]:
    """The probes during which this may have been the state: after one event, and before the next."""
    for probe in asked:
        late = _LATE_LISTS if probe.match.operation.resource == "applications" else 1
        begin = probe.exchange.t_ns - probe.exchange.duration_ns - late * around_ns
        end = probe.exchange.t_ns + around_ns
        if (before is None or before.t_ns <= end) and (after is None or after.t_ns >= begin):
            yield probe


def _rest(recorded: RecordedRest) -> tuple[RestHandler, PbxState]:
    """A replay that knows no recorded answer but to what does not change."""
    pbx, applications = PbxState(), Applications[object]()
    for name in recorded.applications:
        applications.claim(object(), [name], hears_all=name == "prober")
    silent = RecordedRest(info=recorded.info, sounds=recorded.sounds, applications=recorded.applications)
    return RestHandler(silent, pbx, applications, "00:00", lambda: MOMENT), pbx
