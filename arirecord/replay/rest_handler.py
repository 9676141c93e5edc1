"""ARI's REST interface in a replay: selects the response to each request."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from arirecord.asterisk.rest_operations import Route, find, methods_at
from arirecord.errors import ReplayError

from .clients.app_registry import Applications
from .clients.client import Client
from .clients.client_log import ClientLog
from .clients.synthetic_events import ari_time, registered, replaced
from .pbx.commands import Commands
from .pbx.lazy_state import LazyState
from .pbx.queries import Handler, lookups
from .pbx.state import PbxState
from .rest.id_map import IdMap
from .rest.messages import RestRequest, RestResponse, error
from .rest.recorded_exchanges import RecordedRest
from .rest.request_key import RequestKey, as_recorded, asked
from .rest.served_docs import ApiDocs
from .timing.date_shift import DateShift
from .wire.rest_messages import answer_message

__all__ = ["LoggedRequest", "RestHandler", "RestService"]


# Resources that the pbx state may lack although they existed: if an app queried them, the response shows them.
_ANSWERED_ONCE: Final = {"getChannelVar", "getChannelVars", "getStored"}


class LoggedRequest(NamedTuple):
    """A client's request and its response: `asked` and `answer` in recorded ids, `question` as received."""

    asked: RequestKey
    question: RestRequest
    answer: RestResponse


class RestHandler:
    """Answers requests, without access to sockets. `moment` returns the time of the recording, as ARI writes times.

    The pbx state follows the recording: no request changes it. Never raises for a client's request.

    The handler uses recorded ids inside. `ids` maps ids that a client chose, in requests and responses. `now_ns` is the
    time of the recording since 1970 UTC. A callback receives every request.
    """

    def __init__(
        self,
        recorded: RecordedRest,
        switch: PbxState,
        applications: "Applications[Any]",
        asterisk_id: str,
        moment: Callable[[], str],
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        self.ids = IdMap()
        self.heard: Callable[[LoggedRequest], object] = lambda heard: None
        self._switch = switch
        self._commands = Commands(recorded, switch, self.ids, moment, now_ns)
        self._documents = ApiDocs(recorded)
        self._recorded = recorded
        self._applications = applications
        self._asterisk_id = asterisk_id
        self._moment = moment
        self._handlers: Mapping[tuple[str, str], Handler] = {
            **lookups(switch, recorded),
            ("asterisk", "getInfo"): self._info,
            ("asterisk", "ping"): self._ping,
            ("applications", "list"): self._list_applications,
            ("applications", "get"): self._application,
            ("applications", "subscribe"): self._subscribe,
            ("applications", "unsubscribe"): self._subscribe,
            ("applications", "filter"): self._filter,
        }

    def answer(self, question: RestRequest) -> RestResponse:
        """Return the response of Asterisk, as far as the recording and the documentation show it."""
        if question.path.endswith("/"):
            return error(404, "A path of ARI has no slash at its end")
        segments = question.segments
        if segments[0] == "api-docs":
            return self._document(question)
        if question.method == "OPTIONS" and (methods := methods_at(segments)):
            return RestResponse(204, headers={"Allow": ",".join([*methods, "OPTIONS"])})
        match = find(question.method, segments)
        if match is None:
            return error(405, "Invalid method") if methods_at(segments) else error(404, "Resource not found")
        self._switch.catch_up()
        match, inner = as_recorded(match, question, self.ids)
        what = asked(match, inner, self._recorded.name_of)
        answer = self._answer(match, inner, what)
        self.heard(LoggedRequest(what, question, answer))
        return self._translated(answer)

    def restart(self, since_ns: int | None = None) -> None:
        """The recording starts again, or continues at this time (since 1970 UTC): forget the clients' requests."""
        self.ids.clear()
        self._commands.restart(since_ns)

    def _answer(self, match: Route, question: RestRequest, what: RequestKey) -> RestResponse:
        operation = match.operation
        handler = self._handlers.get((operation.resource, operation.name))
        if handler is None:
            return self._commands.answer(match, question, what)
        answer = handler(match, question)
        if operation.name == "list" and (made := self._commands.made_all(operation.resource)):
            return RestResponse(200, [*answer.value, *made])
        if answer.status != 404 or operation.method != "GET":
            return answer
        if operation.name in _ANSWERED_ONCE:
            recalled = self._commands.answer(match, question, what)
            return recalled if recalled.status != 404 else answer
        return self._commands.made_one(match) or answer

    def _translated(self, answer: RestResponse) -> RestResponse:
        """The response in the client's ids."""
        if not self.ids or "json" not in answer.content_type or not (content := answer.content):
            return answer
        return replace(answer, value=None, body=self.ids.to_client(content.decode("utf-8", "replace")).encode())

    def _document(self, question: RestRequest) -> RestResponse:
        if question.method != "GET":
            return error(405, "Unsupported method")
        name = "/".join(question.segments[1:])
        document = self._documents.get(name, question.base)
        return error(404, "Resource not found") if document is None else RestResponse(200, document)

    def _info(self, match: Route, question: RestRequest) -> RestResponse:
        info = self._recorded.info or {
            "build": dict.fromkeys(("os", "kernel", "machine", "options", "date", "user"), "unknown"),
            "system": {"version": "22.0.0", "entity_id": self._asterisk_id},
            "config": {"name": "", "default_language": "en", "setid": {"user": "", "group": ""}},
            "status": {"startup_time": self._moment(), "last_reload_time": self._moment()},
        }
        wanted = [value for name, text in question.query if name == "only" for value in text.split(",") if value]
        return RestResponse(200, {name: info[name] for name in info if name in wanted} if wanted else info)

    def _ping(self, match: Route, question: RestRequest) -> RestResponse:
        return RestResponse(200, {"asterisk_id": self._asterisk_id, "ping": "pong", "timestamp": self._moment()})

    def _list_applications(self, match: Route, question: RestRequest) -> RestResponse:
        return RestResponse(200, [self._describe(name) for name in self._applications.names()])

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        """An application of a client, with the channels and bridges that its recorded namesake has at this position."""
        inside = self._switch.inside.get(self._recorded.name_of(name), {})
        bridges = (key for key, bridge in self._switch.bridges.items.items() if _holds(bridge, inside))
        return self._applications.describe(name, inside, bridges)

    def _application(self, match: Route, question: RestRequest) -> RestResponse:
        described = self._describe(match.ids["applicationName"])
        return error(404, "Application not found") if described is None else RestResponse(200, described)

    def _subscribe(self, match: Route, question: RestRequest) -> RestResponse:
        name = match.ids["applicationName"]
        if self._applications.describe(name) is None:
            return error(404, "Application not found")
        values = [value for key, value in question.query if key == "eventSource"] or [
            question.parameters.get("eventSource", "")
        ]
        sources = [source for value in values for source in value.split(",") if source]
        if not sources or any(":" not in source for source in sources):
            return error(400, "An event source is a scheme and a name, such as channel:ID")
        if match.operation.name == "subscribe":
            self._applications.subscribe(name, sources)
        else:
            self._applications.unsubscribe(name, sources)
        return RestResponse(200, self._describe(name))

    def _filter(self, match: Route, question: RestRequest) -> RestResponse:
        name = match.ids["applicationName"]
        if (wanted := self._applications.filter(name)) is None:
            return error(404, "Application not found")
        if not wanted.set({} if not question.body else question.document):
            return error(400, 'A filter is {"allowed": [{"type": …}], "disallowed": [{"type": …}]}')
        return RestResponse(200, self._describe(name))


def _holds(bridge: Mapping[str, Any], channels: Collection[str]) -> bool:
    inside = bridge.get("channels")
    return isinstance(inside, list) and any(isinstance(key, str) and key in channels for key in inside)


# Requests to these do not depend on the pbx state.
_STATELESS = ("api-docs", "events")


class RestService:
    """Answers requests from `rest`, once the pbx state is current. Requests are written to `log`, if there is one.

    `moment_ns` returns the time of the recording since 1970 UTC; `now_ns` is the monotonic clock; `shift` moves dates.
    """

    def __init__(
        self,
        rest: RestHandler,
        model: LazyState,
        asterisk_id: str,
        moment_ns: Callable[[], int],
        now_ns: Callable[[], int],
        shift: DateShift | None = None,
    ) -> None:
        self.log: ClientLog | None = None
        self._rest = rest
        self._model = model
        self._asterisk_id = asterisk_id
        self._moment_ns = moment_ns
        self._now_ns = now_ns
        self._shift = shift

    def moment(self) -> str:
        """The time of the recording, as ARI writes times; shifted if dates are."""
        return ari_time(self._moment_ns() + (self._shift.ms * 1_000_000 if self._shift else 0))

    async def ask(self, question: RestRequest, client: str, transport: str = "http") -> RestResponse:
        """Answer a request of a client, named by its address."""
        began_ns = self._now_ns()
        try:
            if question.segments[0] not in _STATELESS:
                await self._model.freshen()
            answer = self._rest.answer(question)
        except ReplayError as unreadable:
            answer = error(503, str(unreadable))
        if self._shift is not None and answer.content_type == "application/json":
            moved = self._shift.text(answer.content.decode("utf-8", "surrogateescape"))
            answer = replace(answer, body=moved.encode("utf-8", "surrogateescape"))
        if self.log is not None:
            self.log.note(question, answer, client, transport, self._now_ns() - began_ns)
        return answer

    async def message(self, client: Client, text: str) -> str:
        """Answer a message from a client's WebSocket."""

        async def ask(question: RestRequest) -> RestResponse:
            return await self.ask(question, client.name, "websocket")

        return await answer_message(text, ask, client.application, self.moment, self._asterisk_id)

    def replaced(self, application: str) -> str:
        """The event for a client whose application another client has taken."""
        return replaced(application, self.moment(), self._asterisk_id)

    def registered(self, application: str) -> str:
        """The event with which Asterisk begins an outbound WebSocket."""
        return registered(application, self.moment(), self._asterisk_id)
