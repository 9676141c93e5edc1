"""Commands of clients: the recorded response, otherwise a synthetic one. No command is carried out."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from arirecord.asterisk.rest_operations import Route
from arirecord.replay.rest.created_resources import CreatedResources
from arirecord.replay.rest.exchange_links import CreationLinks
from arirecord.replay.rest.id_map import IdMap
from arirecord.replay.rest.matcher import QueuedExchange, ResponseMatcher
from arirecord.replay.rest.messages import RestRequest, RestResponse, error
from arirecord.replay.rest.recorded_exchanges import RecordedRest
from arirecord.replay.rest.refusals import Refusals
from arirecord.replay.rest.request_key import RequestKey
from arirecord.replay.rest.synthetic_responses import SyntheticResponses, subject

from .state import PbxState, ResourceTable

__all__ = ["Commands", "Recalled"]

_NEW: Final = {"originate", "originateWithId", "create", "createWithId", "externalMedia"}
_JSON: Final = "application/json"
_ENDS: Final = {"hangup", "destroy", "stop", "cancel"}


class Recalled(NamedTuple):
    """The recorded exchange for a request: one with its response, or one that created a resource like it.

    `refusal` is the response to a request without either that Asterisk refuses.
    """

    found: QueuedExchange | None = None
    near: QueuedExchange | None = None
    refusal: RestResponse | None = None


class Commands:
    """Responds to commands, in recorded ids. Other ids of the client go to `ids`.

    `made` are the resources, by type, that clients created and have not ended; clients can query them. `moment` returns
    the time of the recording as ARI writes times, `now_ns` in nanoseconds since 1970 UTC, None if unknown.
    `applications` returns the names of the clients' applications.
    """

    def __init__(
        self,
        recorded: RecordedRest,
        pbx: PbxState,
        ids: IdMap,
        moment: Callable[[], str],
        now_ns: Callable[[], int] | None = None,
        applications: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.made: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._answers = ResponseMatcher(recorded.exchanges, recorded.name_of)
        self._name_of = recorded.name_of
        self._links = CreationLinks(self._answers.exchanges, recorded.entries)
        self._applications = applications
        self._claimed: set[str] = set()
        self._recorded: set[str] = set()
        self._pbx = pbx
        self._ids = ids
        self._now_ns: Callable[[], int | None] = now_ns or (lambda: None)
        self._plausible = SyntheticResponses(moment)
        self._refusals = Refusals(self._exists, lambda name: name in applications(), self._channel_of)
        # Without recorded requests, events alone show what the recorded app created.
        self.expected = None if recorded.exchanges else CreatedResources(ids)
        self._tables: Mapping[str, Callable[[], ResourceTable]] = {
            "channels": lambda: pbx.channels,
            "bridges": lambda: pbx.bridges,
            "playbacks": lambda: pbx.playbacks,
            "recordings": lambda: pbx.recordings,
        }

    def restart(self, since_ns: int | None) -> None:
        """Forget the clients' commands: the recording starts again (None), or continues at this time."""
        self.made.clear()
        self._claimed.clear()
        self._answers.restart(since_ns)
        self._links.restart()
        if self.expected is not None:
            self.expected.clear()

    def recall(self, route: Route, request: RestRequest, key: RequestKey, connection: str = "") -> Recalled:
        """Find a request in the recording, and map the ids that the client chose: events with them may come at once."""
        sender = self._links.sender(key, connection)
        if (found := self._answers.find(key, self._now_ns(), self.may_be, sender)) is not None:
            if key.new_resource is not None and key.new_resource[0] == "channels":
                self._links.sender(found.key, connection, found.created_id)  # as in the recording, for later requests
            self._bind(key, found)
            return Recalled(found)
        if (refusal := self._refusals.find_first(route, request)) is not None:
            return Recalled(refusal=refusal)
        if route.operation.method == "GET" or (refusal := self._refusal(route, request)) is None:
            near = self._answers.near(key, self._now_ns(), self.may_be)
            if near is not None:
                self._bind(key, near)
            return Recalled(near=near)
        return Recalled(refusal=refusal)

    def may_be(self, one: QueuedExchange) -> bool:
        """Whether a recorded request may be one of the clients now: of their apps, and of a call that has begun."""
        if not one.exchange.is_of([*map(self._name_of, self._applications())]):
            return False
        channel = self._links.cause(one)
        return channel is None or self._exists("channels", channel)

    def claim(self, route: Route, request: RestRequest) -> None:
        """Let the bridge of a client, in its ids, stand for the one in which its channels were recorded.

        A request that creates a bridge names no channel, so the client may have got the bridge of another call. The
        first `addChannel` shows the call.
        """
        if route.operation.name != "addChannel":
            return
        client_id = route.ids["bridgeId"]
        bridge = self._ids.recorded("bridges", client_id)
        channels = [self._ids.recorded("channels", channel) for channel in request.values("channel")]
        if bridge in self._claimed or bridge not in (made := self.made.setdefault("bridges", {})):
            return
        self._claimed.add(bridge)
        if self._links.channels(("bridges", bridge)).intersection(channels):
            return
        others = self._links.bridges(channels)
        other = next((key for key in others if key not in self._claimed), None)
        if other is not None:
            self._ids.swap_bridges(bridge, other)
            self._claimed.symmetric_difference_update({bridge, other})
            one, two = made.pop(bridge), made.pop(other, None)
            made[other] = {**one, "id": other}
            if two is not None:
                made[bridge] = {**two, "id": bridge}

    def answer(self, route: Route, request: RestRequest, key: RequestKey, recalled: Recalled) -> RestResponse:
        """Return the recorded response; otherwise success with a synthetic body, or an error if that is certain."""
        if recalled.found is not None:
            return self._as_recorded(route, request, key, recalled.found)
        operation = route.operation
        if operation.method == "GET":
            return (
                RestResponse(200, []) if operation.returns.startswith("List[") else error(404, "Not in the recording")
            )
        self._note(route, request)
        return self._plausibly(route, request, recalled.near)

    def _refusal(self, route: Route, request: RestRequest) -> RestResponse | None:
        operation = route.operation
        if self._unknown(route):
            return error(404, f"{operation.resource.removesuffix('s').capitalize()} not found")
        return self._refusals.find(route, request)

    def made_one(self, route: Route) -> RestResponse | None:
        """Return the resource of the path if a client created it; None if it did not, or if the resource has ended."""
        kind, key = subject(route)
        item = self.made.get(kind, {}).get(key)
        if item is None or route.operation.name not in ("get", "getLive") or self._tables[kind]().was(key):
            return None
        return RestResponse(200, item)

    def made_variable(self, route: Route, request: RestRequest) -> RestResponse | None:
        """Return a variable of a channel that a client created; None without one."""
        channel, name = route.ids["channelId"], request.parameters.get("variable", "")
        value = self._pbx.variables.get(channel, {}).get(name)
        return (
            None
            if value is None or channel not in self.made.get("channels", {})
            else RestResponse(200, {"value": value})
        )

    def made_all(self, kind: str) -> list[Mapping[str, Any]]:
        """Return resources of a type that clients created and no event has named yet."""
        return [item for key, item in self.made.get(kind, {}).items() if not self._tables[kind]().was(key)]

    def _as_recorded(self, route: Route, request: RestRequest, key: RequestKey, found: QueuedExchange) -> RestResponse:
        exchange = found.exchange
        assert exchange.status is not None
        if exchange.status < 300 and route.operation.method != "GET":
            self._note(route, request)
            is_passing = route.operation.returns != "StoredRecording"
            if found.created_id and key.new_resource and is_passing and isinstance(exchange.value, dict):
                self.made.setdefault(key.new_resource[0], {})[found.created_id] = exchange.value
            if found.created_id and key.new_resource and key.new_resource[0] == "recordings":
                self._recorded.add(found.created_id)
        return RestResponse(exchange.status, body=exchange.body, content_type=exchange.content_type or _JSON)

    def _plausibly(self, route: Route, request: RestRequest, near: QueuedExchange | None) -> RestResponse:
        """Make a success response. A new resource maps to the resource recorded at this position, if there is one."""
        operation = route.operation
        made = self._plausible.make(route, request)
        if made is None:
            form = self._pbx.stored.get(route.ids.get("recordingName", ""), {}).get("format", "wav")
            copy = {"name": request.parameters.get("destinationRecordingName", ""), "format": form}
            if operation.returns == "StoredRecording":
                self._recorded.add(copy["name"])
                return RestResponse(operation.status, copy)
            return RestResponse(operation.status, [] if operation.returns.startswith("List[") else None)
        kind, resource = made
        name = "name" if kind == "recordings" else "id"
        if near is not None and near.created_id:
            resource = {**resource, name: near.created_id}
        self.made.setdefault(kind, {})[resource[name]] = resource
        if kind == "recordings":
            self._recorded.add(resource[name])
        if variables := resource.get("channelvars"):
            self._pbx.variables.setdefault(resource[name], {}).update(variables)
        if self.expected is not None:
            self.expected.expect(kind, resource, self._tables[kind]().items.values())
        return RestResponse(operation.status, resource)

    def _bind(self, key: RequestKey, found: QueuedExchange) -> None:
        """Map the ids that a client chose to those of the recording, from now on."""
        if key.new_resource is None or not found.created_id:
            return
        kind, chosen = key.new_resource
        if chosen:
            self._ids.bind(kind, found.created_id, chosen)
        if key.local_second_id and found.key.local_second_id:
            self._ids.bind("channels", found.key.local_second_id, key.local_second_id)

    def _channel_of(self, channel: str) -> Mapping[str, Any]:
        return self._pbx.channels.items.get(channel) or self.made.get("channels", {}).get(channel, {})

    def _exists(self, kind: str, key: str) -> bool:
        return (kind in self._tables and self._tables[kind]().was(key)) or key in self.made.get(kind, {})

    def _unknown(self, route: Route) -> bool:
        """Whether the target of a command never existed: neither in the recording so far, nor created by a client."""
        kind, key = subject(route)
        if route.operation.name in ("deleteStored", "copyStored"):
            name = route.ids["recordingName"]
            return name not in self._pbx.stored and name not in self._recorded and not self._exists("recordings", name)
        if not key or kind not in self._tables or route.operation.name in _NEW:
            return False
        return not self._exists(kind, key)

    def _toggle(self, kind: str, key: str, is_there: bool) -> None:
        if is_there:
            self.made.setdefault(kind, {})[key] = {}
        else:
            self.made.get(kind, {}).pop(key, None)

    def _note(self, route: Route, request: RestRequest) -> None:
        """Note what a client sets or ends, for its later queries."""
        kind, key = subject(route)
        name, given = route.operation.name, request.parameters
        if name == "setChannelVar" and "variable" in given:
            self._pbx.variables.setdefault(key, {})[given["variable"]] = given.get("value", "")
        elif name == "setGlobalVar" and "variable" in given:
            self._pbx.global_variables[given["variable"]] = given.get("value", "")
        elif name in ("addLog", "deleteLog"):
            self._toggle("logs", route.ids["logChannelName"], name == "addLog")
        elif route.operation.resource == "bridges" and name in ("startMoh", "stopMoh"):
            self._toggle("moh", key, name == "startMoh")
        elif name in _ENDS:
            self.made.get(kind, {}).pop(key, None)
        elif route.operation.resource == "deviceStates":
            device = route.ids["deviceName"]
            if name == "update":
                self._pbx.device_states.put(
                    device, {"name": device, "state": given.get("deviceState", "UNKNOWN")}, 0, True
                )
            else:
                self._pbx.device_states.drop(device)
