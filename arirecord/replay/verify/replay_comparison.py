"""Compares the requests of a running replay with the recorded ones."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from arirecord.errors import VerifyError
from arirecord.json_text import json_object, json_value
from arirecord.replay.rest.exchange_reader import read_recorded
from arirecord.replay.rest.id_map import IdMap
from arirecord.replay.rest.matcher import QueuedExchange, id_created, queued_exchange
from arirecord.replay.rest.recorded_exchanges import RecordedExchange, RecordedRest
from arirecord.replay.rest.request_key import unknown_key
from arirecord.replay.rest_handler import ClientExchange
from arirecord.replay.timing.progress import Place
from arirecord.session.reader import SessionFile

from .compare import Compared, Limits, compare
from .grouping import TYPES, Grouping, Request
from .learn import read_rules
from .reactions import Reactions
from .rules import DEFAULT_RULES, REPEATED, Rule, Rules

__all__ = ["Comparison", "Differs", "request_of"]

# A call that begins this shortly before the recorded app leaves may have no request for that reason alone.
_REACTION_NS: Final = 1_000_000_000

# These have an effect only the first time. An app whose tasks repeat them does so more or less often in each run.
_ONCE: Final = ("answer", "progress")


class Differs(AssertionError):
    """The requests of an app differ from the recorded ones; the text is a diff. `calls` has the result of each call."""

    def __init__(self, calls: Sequence[Compared]) -> None:
        self.calls = calls
        lines = [line for call in calls if not call.is_same for line in call.lines()]
        super().__init__("\n".join(["The requests differ from the recorded ones (- recorded, + now, ! time):", *lines]))


def _unknown(exchange: RecordedExchange) -> QueuedExchange | None:
    """A recorded request that ARI does not have."""
    if exchange.status not in (404, 405):
        return None
    key = unknown_key(exchange.request, IdMap())
    return None if key is None else QueuedExchange(key, exchange, "")


def request_of(exchange: ClientExchange) -> Request:
    """A request of a client, as verification compares it."""
    content = exchange.response.content
    value = json_value(content)
    status = exchange.response.status
    created_id = id_created(exchange.key, status, value)
    return Request(exchange.key, created_id, exchange.begun_ns, exchange.ended_ns, status)


class Comparison:
    """The recorded requests of an application, ready to be compared with those of a replay.

    Reads the session once for the events that show which requests belong to a call. Raises `VerifyError` if there is
    nothing to compare.
    """

    def __init__(self, session: SessionFile, application: str | None = None) -> None:
        path = session.path
        recorded = read_recorded(session)
        self._session = session
        self.application = _application(session, recorded, application)
        own = [one for one in recorded.exchanges if one.is_of(self.application.split(","))]
        known = [one for exchange in own if (one := queued_exchange(exchange, recorded.name_of) or _unknown(exchange))]
        if not known:
            raise VerifyError(
                f"{path} holds no REST requests of an app to compare with: record it with `arirecord tap`"
            )
        if recorded.is_cut:
            raise VerifyError(f"{path} holds more requests than can be compared at once: verify parts of it")
        has_several = len({exchange.application for exchange in recorded.exchanges} - {""}) > 1
        self._requests = [
            Request(one.key, one.created_id, e.begun_ns, e.t_ns, e.status or 0, e.seq)
            for one in known
            if (e := one.exchange)
        ]
        self._unsure = {
            id(request)
            for request, one in zip(self._requests, known, strict=True)
            if has_several and not one.exchange.application
        }

    def compare(
        self,
        live: Sequence[Request],
        limits: Limits,
        rules: Sequence[Rule] = (),
        sent: Sequence[tuple[Place, int]] | None = None,
    ) -> list[Compared]:
        """Compare the requests of a replay with the recorded ones, call by call.

        `rules` are applied after the default ones and those learned for the session. `sent` are the places up to which
        events were sent, with the times; without it, times are not compared. Raises `VerifyError` for a bad rules file.
        """
        grouping = Grouping()
        for frame in self._session.frames(types=TYPES):
            grouping.event(frame)
        # A request of an unknown one of several apps counts if this app sent it, too.
        keys = {request.key.compared for request in live}
        ours = [one for one in self._requests if id(one) not in self._unsure or one.key.compared in keys]
        for request in self._requests:
            grouping.request(request.key, request.created_id)
        grouping.finish()
        moments_s = (self._session.header.started_ns / 1e9, time.time())
        known_rules = [*map(Rule.parse, DEFAULT_RULES), *read_rules(self._session.path), *rules]
        if not limits.strict:
            known_rules += _repeated_without_effect(ours)
        texts = Rules(known_rules, grouping.knows, moments_s, limits.strict)
        for request in live:
            grouping.request(request.key, request.created_id, is_recorded=False)
        reactions = None
        if sent is not None:
            reactions = Reactions(self._session.frames(), self.application, grouping, ours, sent)
        calls = compare(ours, live, grouping, texts, limits, reactions)
        # The recorded app was gone before it could react to these.
        cut_ns = _end_ns(self._session, self.application) - _REACTION_NS
        return [call for call in calls if call.recorded_count or call.call.t_ns < cut_ns]


def _repeated_without_effect(requests: Sequence[Request]) -> list[Rule]:
    """Rules for the commands that the recorded app repeated though the first had done it."""
    counts = Counter(one.key.compared for one in requests if one.key.operation.name in _ONCE)
    names = {one.key.operation.name for one in requests if counts[one.key.compared] > 1}
    return [Rule.parse(f"{REPEATED}POST /channels/*/{name}") for name in sorted(names)]


def _end_ns(session: SessionFile, application: str) -> int:
    """When the app closed its last connection, or the recording ended."""
    header = session.header
    closed = [
        frame.t_ns
        for frame in session.frames(kinds=("connection",), types=("closed",))
        if f'"connection_application":"{application}"' in frame.raw
    ]
    return max(closed, default=header.started_ns + header.first_elapsed_ns + header.duration_ns)


def _application(session: SessionFile, recorded: RecordedRest, chosen: str | None) -> str:
    names = [*session.header.applications]
    together = list(dict.fromkeys(_subscribed(session)))
    names = names or [name for group in together for name in group.split(",")]
    names = names or list(dict.fromkeys(e.application for e in recorded.exchanges if e.application))
    if chosen is not None and chosen not in [*names, *together]:
        raise VerifyError(f"{session.path} has no application {chosen!r}; it has {', '.join(names) or 'none'}")
    # A WebSocket for several applications is one app.
    joined = {name: group for group in together for name in group.split(",") if "," in group}
    names = list(dict.fromkeys(joined.get(name, name) for name in names))
    chosen = joined.get(chosen, chosen) if chosen is not None else None
    if chosen is None and len(names) != 1:
        listed = ", ".join(names) or "none"
        raise VerifyError(f"{session.path} has not one application but {listed}: choose one with --app")
    return chosen or names[0]


def _subscribed(session: SessionFile) -> Iterator[str]:
    """The applications of the connections that were opened, `a,b` for one of two: an app may receive no event."""
    for frame in session.frames(kinds=("connection",)):
        if names := json_object(frame.raw).get("connection_application"):
            yield str(names)
