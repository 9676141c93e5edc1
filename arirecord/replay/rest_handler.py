"""ARI's REST interface in a replay: selects the response to each request."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from arirecord.asterisk.rest_operations import Route, find, methods_at
from arirecord.session.reader import Frame

from .clients.app_registry import Applications
from .pbx.commands import Commands, Recalled
from .pbx.queries import Handler, lookups
from .pbx.state import PbxState
from .rest.id_map import IdMap
from .rest.matcher import QueuedExchange
from .rest.messages import RestRequest, RestResponse, error
from .rest.recorded_exchanges import RecordedRest
from .rest.request_key import RequestKey, request_key, unknown_key
from .rest.served_docs import ApiDocs

__all__ = ["Accepted", "ClientExchange", "RestHandler"]

# Resources that the pbx state may lack although they existed: if an app queried them, the response shows them.
_ANSWERED_ONCE: Final = {"getChannelVar", "getChannelVars", "getStored"}

# Queries of the pbx state, which the response that was recorded at the same place knows best.
_OF_STATE: Final = {"get", "getLive", "list", "listByTech", "listStored"}
_RESOURCES_OF_STATE: Final = {"bridges", "channels", "deviceStates", "endpoints", "playbacks", "recordings"}


class ClientExchange(NamedTuple):
    """A client's request and its response: `key` and `response` in recorded ids, `request` as received.

    `begun_ns` and `ended_ns` are their times on the clock of the replay, in nanoseconds.
    """

    key: RequestKey
    request: RestRequest
    response: RestResponse
    begun_ns: int = 0
    ended_ns: int = 0


class Accepted(NamedTuple):
    """A client's request before its response: in recorded ids, with what the recording has for it."""

    request: RestRequest
    route: Route
    recorded: RestRequest
    key: RequestKey
    recalled: Recalled


class RestHandler:
    """Answers requests, without access to sockets. `moment` returns the time of the recording, as ARI writes times.

    The pbx state follows the recording: no request changes it. Never raises for a client's request.

    The handler uses recorded ids inside. `ids` maps ids that a client chose, in requests and responses. `now_ns` is the
    time of the recording since 1970 UTC.
    """

    def __init__(
        self,
        recorded: RecordedRest,
        pbx: PbxState,
        applications: "Applications[Any]",
        asterisk_id: str,
        moment: Callable[[], str],
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        self.ids = IdMap()
        self.on_frames: Callable[[Sequence[Frame]], object] | None = None
        self._pbx = pbx
        self._commands = Commands(recorded, pbx, self.ids, moment, now_ns, applications.names)
        self._documents = ApiDocs(recorded)
        self._recorded = recorded
        self._applications = applications
        self._asterisk_id = asterisk_id
        self._moment = moment
        self._handlers: Mapping[tuple[str, str], Handler] = {
            **lookups(pbx, recorded),
            ("asterisk", "getInfo"): self._info,
            ("asterisk", "ping"): self._ping,
            ("applications", "list"): self._list_applications,
            ("applications", "get"): self._application,
            ("applications", "subscribe"): self._subscribe,
            ("applications", "unsubscribe"): self._subscribe,
            ("applications", "filter"): self._filter,
        }

    def respond(self, request: RestRequest, connection: str = "") -> tuple[RestResponse, ClientExchange | None]:
        """Return the response of Asterisk, as far as the recording and the documentation show it.

        With it comes the exchange in recorded ids; None if the request is not one of ARI's operations.
        """
        accepted = self.accept(request, connection)
        if isinstance(accepted, RestResponse):
            return accepted, None
        return self.complete(accepted)

    def accept(self, request: RestRequest, connection: str = "") -> "Accepted | RestResponse":
        """Take a request whose response comes later, by `complete`; a response if it is not one of ARI's operations.

        `connection` is the address of the client.
        """
        if request.path.endswith("/"):
            return error(404, "A path of ARI has no slash at its end")
        segments = request.segments
        if segments[0] == "api-docs":
            return self._document(request)
        if request.method == "OPTIONS" and (methods := methods_at(segments)):
            return RestResponse(204, headers={"Allow": ",".join([*methods, "OPTIONS"])})
        route = find(request.method, segments)
        if route is None:
            is_known = not segments[0] or methods_at(segments)  # `/ari//channels` is not a resource in Asterisk
            return error(405, "Invalid method") if is_known else error(404, "Resource not found")
        self._pbx.catch_up()
        self._commands.claim(route, request)
        route, recorded = self.ids.to_recorded(route, request)
        key = request_key(route, recorded, self._recorded.name_of)
        return Accepted(request, route, recorded, key, self._commands.recall(route, recorded, key, connection))

    def unknown(self, request: RestRequest, response: RestResponse) -> ClientExchange | None:
        """The exchange for a request that ARI does not have; None for a document."""
        key = unknown_key(request, self.ids)
        return None if key is None else ClientExchange(key, request, response)

    def may_be(self, one: QueuedExchange) -> bool:
        """Whether a recorded request may be one of the clients now."""
        return self._commands.may_be(one)

    def complete(self, accepted: Accepted, in_place: bool = False) -> tuple[RestResponse, ClientExchange]:
        """Return the response to a request. `in_place`: the replay is where the recorded app received its response."""
        self._pbx.catch_up()
        response = self._answer(accepted, in_place)
        return self._in_client_ids(response), ClientExchange(accepted.key, accepted.request, response)

    def take(self, frames: Sequence[Frame]) -> None:
        """Take the frames that will be sent now: they may show what a client created."""
        if self._commands.expected is not None:
            self._commands.expected.take(frames)
        if self.on_frames is not None:
            self.on_frames(frames)

    def restart(self, since_ns: int | None = None) -> None:
        """The recording starts again, or continues at this time (since 1970 UTC): forget the clients' requests."""
        self.ids.clear()
        self._commands.restart(since_ns)

    def _answer(self, accepted: Accepted, in_place: bool) -> RestResponse:
        _, route, request, key, recalled = accepted
        if recalled.refusal is not None:
            return recalled.refusal
        operation = route.operation
        handler = self._handlers.get((operation.resource, operation.name))
        if handler is None:
            return self._commands.answer(route, request, key, recalled)
        answer = (_recorded_state(route, recalled) if in_place else None) or handler(route, request)
        if operation.name == "list" and isinstance(answer.value, list):
            listed = [one.get("id") for one in answer.value if isinstance(one, dict)]
            made = [one for one in self._commands.made_all(operation.resource) if one.get("id") not in listed]
            return replace(answer, value=[*answer.value, *made])
        if answer.status != 404 or operation.method != "GET":
            return answer
        if operation.name == "getChannelVar" and (found := self._commands.made_variable(route, request)) is not None:
            return found
        if operation.name in _ANSWERED_ONCE:
            once = self._commands.answer(route, request, key, recalled)
            return once if once.status != 404 else answer
        return self._commands.made_one(route) or answer

    def _in_client_ids(self, answer: RestResponse) -> RestResponse:
        if not self.ids or "json" not in answer.content_type or not (content := answer.content):
            return answer
        return replace(answer, value=None, body=self.ids.to_client(content.decode("utf-8", "replace")).encode())

    def _document(self, request: RestRequest) -> RestResponse:
        if request.method != "GET":
            return error(405, "Unsupported method")
        name = "/".join(request.segments[1:])
        document = self._documents.get(name, request.base)
        return error(404, "Resource not found") if document is None else RestResponse(200, document)

    def _info(self, route: Route, request: RestRequest) -> RestResponse:
        info = self._recorded.info or {
            "build": dict.fromkeys(("os", "kernel", "machine", "options", "date", "user"), "unknown"),
            "system": {"version": "22.0.0", "entity_id": self._asterisk_id},
            "config": {"name": "", "default_language": "en", "setid": {"user": "", "group": ""}},
            "status": {"startup_time": self._moment(), "last_reload_time": self._moment()},
        }
        wanted = [value for name, text in request.query if name == "only" for value in text.split(",") if value]
        return RestResponse(200, {name: info[name] for name in info if name in wanted} if wanted else info)

    def _ping(self, route: Route, request: RestRequest) -> RestResponse:
        return RestResponse(200, {"asterisk_id": self._asterisk_id, "ping": "pong", "timestamp": self._moment()})

    def _list_applications(self, route: Route, request: RestRequest) -> RestResponse:
        return RestResponse(200, [self._describe(name) for name in self._applications.names()])

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        """An application of a client, with the channels and bridges that its recorded namesake has at this position."""
        inside = self._pbx.inside.get(self._recorded.name_of(name), {})
        bridges = (key for key, bridge in self._pbx.bridges.items.items() if _holds(bridge, inside))
        return self._applications.describe(name, inside, bridges)

    def _application(self, route: Route, request: RestRequest) -> RestResponse:
        described = self._describe(route.ids["applicationName"])
        return error(404, "Application not found") if described is None else RestResponse(200, described)

    def _subscribe(self, route: Route, request: RestRequest) -> RestResponse:
        name = route.ids["applicationName"]
        if self._applications.describe(name) is None:
            return error(404, "Application not found")
        sources = request.values("eventSource")
        if not sources or any(":" not in source for source in sources):
            return error(400, "An event source is a scheme and a name, such as channel:ID")
        if route.operation.name == "subscribe":
            self._applications.subscribe(name, sources)
        else:
            self._applications.unsubscribe(name, sources)
        return RestResponse(200, self._describe(name))

    def _filter(self, route: Route, request: RestRequest) -> RestResponse:
        name = route.ids["applicationName"]
        if (wanted := self._applications.filter(name)) is None:
            return error(404, "Application not found")
        if not wanted.set({} if not request.body else request.document):
            return error(400, 'A filter is {"allowed": [{"type": …}], "disallowed": [{"type": …}]}')
        return RestResponse(200, self._describe(name))


def _recorded_state(route: Route, recalled: Recalled) -> RestResponse | None:
    """The recorded response to a query of the pbx state; None for other requests."""
    operation = route.operation
    if recalled.found is None or operation.name not in _OF_STATE or operation.resource not in _RESOURCES_OF_STATE:
        return None
    exchange = recalled.found.exchange
    value = exchange.value
    return None if exchange.status is None or value is None else RestResponse(exchange.status, value)


def _holds(bridge: Mapping[str, Any], channels: Collection[str]) -> bool:
    inside = bridge.get("channels")
    return isinstance(inside, list) and any(isinstance(key, str) and key in channels for key in inside)
