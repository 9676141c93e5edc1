"""The requests that Asterisk refuses, as far as the request alone, or the state of the replay, shows it.

Statuses and reasons are those of `res/ari/resource_*.c` in Asterisk 22.
"""

from collections.abc import Callable, Mapping
from typing import Final

from arirecord.asterisk.rest_operations import Route

from .messages import RestRequest, RestResponse, error

__all__ = ["Refusals"]

BRIDGE_TYPES: Final = {
    *("mixing", "holding", "dtmf_events", "proxy_media", "video_sfu", "video_single", "sdp_label"),
}
SOURCES: Final = ("channel", "bridge", "endpoint", "deviceState")
DEVICES: Final = {
    *("NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD", "UNKNOWN"),
}

Check = Callable[[Route, RestRequest], RestResponse | None]


class Refusals:
    """`exists` reports whether a resource of a type (`channels`) exists, `has_application` whether a client has it."""

    def __init__(self, exists: Callable[[str, str], bool], has_application: Callable[[str], bool]) -> None:
        self._exists = exists
        self._has_application = has_application
        self._checks: Mapping[tuple[str, str], Check] = {
            ("applications", "subscribe"): self._subscribe,
            ("bridges", "addChannel"): self._channels,
            ("bridges", "removeChannel"): self._channels,
            ("bridges", "create"): self._bridge,
            ("bridges", "createWithId"): self._bridge,
            ("channels", "originate"): self._originate,
            ("channels", "originateWithId"): self._originate,
            ("channels", "create"): self._endpoint,
            ("channels", "externalMedia"): self._external_media,
            ("deviceStates", "update"): self._device,
            ("deviceStates", "delete"): self._device,
            ("events", "userEvent"): self._user_event,
        }

    def find(self, match: Route, question: RestRequest) -> RestResponse | None:
        """Return the refusal of a request; None if Asterisk may accept it."""
        if question.body and question.is_json and question.document is None:
            return error(400, "Request body is not valid JSON")
        check = self._checks.get((match.operation.resource, match.operation.name))
        if check is not None:
            return check(match, question)
        for parameter in match.operation.parameters:
            if parameter.required and parameter.where == "query" and not question.parameters.get(parameter.name):
                return error(400 if 400 in match.operation.errors else 409, f"{parameter.name} is required")
        return None

    def _channels(self, match: Route, question: RestRequest) -> RestResponse | None:
        channels = question.values("channel")
        if not channels:
            return error(400, "Missing parameter channel")
        missing = any(not self._exists("channels", channel) for channel in channels)
        return error(400, "Channel not found") if missing else None

    def _bridge(self, match: Route, question: RestRequest) -> RestResponse | None:
        given = question.parameters
        types = given.get("type", "mixing").split(",")
        if not set(types) <= BRIDGE_TYPES:
            return error(500, "Unable to create bridge")
        bridge_id = given.get("bridgeId", "")
        if match.operation.name == "create" and bridge_id and self._exists("bridges", bridge_id):
            return error(409, f"Bridge with id '{bridge_id}' already exists")
        return None

    def _endpoint(self, match: Route, question: RestRequest) -> RestResponse | None:
        endpoint = question.parameters.get("endpoint", "")
        if not endpoint:
            return error(400, "Endpoint must be specified")
        technology, slash, resource = endpoint.partition("/")
        return None if technology and slash and resource else error(400, "Invalid endpoint specified")

    def _originate(self, match: Route, question: RestRequest) -> RestResponse | None:
        given = question.parameters
        if (refusal := self._endpoint(match, question)) is not None:
            return refusal
        if not given.get("app") and not given.get("extension"):
            return error(400, "Application or extension must be specified")
        return None

    def _external_media(self, match: Route, question: RestRequest) -> RestResponse | None:
        given = question.parameters
        for name in ("app", "format"):
            if not given.get(name):
                return error(400, f"{name} cannot be empty")
        if given.get("transport", "udp") == "websocket" or given.get("connection_type") == "server":
            return None
        host, colon, port = given.get("external_host", "").rpartition(":")
        return None if host and colon and port.isdigit() else error(400, "external_host must be <host>:<port>")

    def _device(self, match: Route, question: RestRequest) -> RestResponse | None:
        name = match.ids["deviceName"]
        if not name.startswith("Stasis:"):
            return error(409, "Uncontrolled device specified")
        state = question.parameters.get("deviceState", "")
        if match.operation.name == "update" and state not in DEVICES:
            return error(500, "Unknown device")
        return None

    def _user_event(self, match: Route, question: RestRequest) -> RestResponse | None:
        application = question.parameters.get("application", "")
        if not application:
            return error(400, "The application parameter was not provided")
        return None if self._has_application(application) else error(404, "Application not found")

    def _subscribe(self, match: Route, question: RestRequest) -> RestResponse | None:
        if not self._has_application(match.ids["applicationName"]):
            return error(404, "Application not found")
        if not question.values("eventSource"):
            return error(400, "Missing parameter eventSource")
        for source in question.values("eventSource"):
            scheme, colon, key = source.partition(":")
            if not colon or scheme not in SOURCES:
                return error(400, "Invalid event source URI scheme")
            if scheme in ("channel", "bridge") and key and not self._exists(f"{scheme}s", key):
                return error(422, "Event source does not exist")
        return None
