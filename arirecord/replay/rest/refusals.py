"""The requests that Asterisk refuses, as far as the request alone, or the state of the replay, shows it.

Statuses and reasons are those of `res/ari/resource_*.c` in Asterisk 22.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

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

CONTROLS: Final = ("restart", "pause", "unpause", "reverse", "forward")

# Asterisk checks the parameters of these before it looks for the resource in the path.
_FIRST: Final = (
    *("control", "getBridgeVar", "getBridgeVars", "getObject", "rtpstatistics", "setBridgeVars", "setChannelVars"),
    "snoopChannel",
)

# Asterisk refuses these for a channel that was created and not dialled.
_NEEDS_DIALLED: Final = {
    *("answer", "continueInDialplan", "hold", "mute", "play", "playWithId", "progress", "redirect", "ring", "ringStop"),
    *("sendDTMF", "startMoh", "startSilence", "stopMoh", "stopSilence", "unhold", "unmute"),
}

# The statuses for a missing parameter that the documentation does not have.
_MISSING: Final = {("bridges", "play"): 500, ("events", "claimChannel"): 400}

_DOWN: Final = ("Down", "Rsrvd")

# Prefixes of valid names in a path, by operation, and the status of other names: no Asterisk has such a module or
# configuration.
_MODULES: Final = (
    *("app_", "bridge_", "cdr_", "cel_", "chan_", "codec_", "format_", "func_", "pbx_", "res_", "test_"),
)
_PREFIXES: Final[Mapping[str, tuple[str, tuple[str, ...], int, str]]] = {
    "loadModule": ("moduleName", _MODULES, 409, "Module could not be loaded"),
    "unloadModule": ("moduleName", _MODULES, 404, "Module not found in running modules"),
    "reloadModule": ("moduleName", _MODULES, 404, "Module not found in running modules"),
    "getObject": ("configClass", ("res_", "bucket"), 404, "configClass not found"),
    "updateObject": ("configClass", ("res_", "bucket"), 404, "configClass not found"),
    "deleteObject": ("configClass", ("res_", "bucket"), 404, "configClass not found"),
}

# Log channels that Asterisk's sample configuration has, besides those that a client adds.
_LOGS: Final = {"console", "messages", "messages.log", "full", "full.log", "security", "security.log", "debug.log"}

# Technologies that take messages and REFER, and those whose channels have RTP.
_MESSAGES: Final = {"pjsip", "sip", "sips", "xmpp"}
_RTP: Final = {"PJSIP", "SIP", "UnicastRTP", "MulticastRTP", "Motif", "Skinny", "Unistim", "MGCP", "OOH323"}

Check = Callable[[Route, RestRequest], RestResponse | None]


class Refusals:
    """`exists` reports whether a resource of a type (`channels`) exists, `has_application` whether a client has it.

    `channel_of` returns a channel as ARI shows it, empty if it is not known.
    """

    def __init__(
        self,
        exists: Callable[[str, str], bool],
        has_application: Callable[[str], bool],
        channel_of: Callable[[str], Mapping[str, Any]] = lambda channel: {},
    ) -> None:
        self._exists = exists
        self._channel_of = channel_of
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
            ("channels", "setChannelVars"): self._variables,
            ("channels", "snoopChannel"): self._snoop,
            ("channels", "snoopChannelWithId"): self._snoop,
            ("bridges", "getBridgeVar"): self._variable,
            ("bridges", "getBridgeVars"): self._variable,
            ("bridges", "setBridgeVars"): self._variables,
            ("bridges", "setVideoSource"): self._video_source,
            ("playbacks", "control"): self._control,
            ("deviceStates", "update"): self._device,
            ("deviceStates", "delete"): self._device,
            ("events", "userEvent"): self._user_event,
            ("events", "claimChannel"): self._claim,
            ("asterisk", "deleteLog"): self._log,
            ("asterisk", "rotateLog"): self._log,
            ("bridges", "stopMoh"): self._no_music,
            ("channels", "rtpstatistics"): self._rtp,
            ("endpoints", "refer"): self._message,
            ("endpoints", "referToEndpoint"): self._message,
            ("endpoints", "sendMessage"): self._message,
            ("endpoints", "sendMessageToEndpoint"): self._message,
            **{("asterisk", name): self._prefix for name in _PREFIXES},
        }

    def find(self, route: Route, request: RestRequest) -> RestResponse | None:
        """Return the refusal of a request for a resource that exists; None if Asterisk may accept it."""
        operation = route.operation
        is_down = operation.resource == "channels" and self._state_of(route.ids.get("channelId", "")) in _DOWN
        if is_down and operation.name in _NEEDS_DIALLED:
            return error(412, "Channel in invalid state")
        if is_down and operation.name == "record":
            return error(422, "Channel not in Stasis application")
        check = self._checks.get((route.operation.resource, route.operation.name))
        if check is not None:
            return check(route, request)
        return self._required(route, request)

    def _required(self, route: Route, request: RestRequest) -> RestResponse | None:
        operation = route.operation
        for parameter in operation.parameters:
            if parameter.required and parameter.where == "query" and not request.parameters.get(parameter.name):
                place = (operation.resource, operation.name.removesuffix("WithId"))
                status = _MISSING.get(place, 400 if 400 in operation.errors else 409)
                return error(status, f"{parameter.name} is required")
        return None

    def find_first(self, route: Route, request: RestRequest) -> RestResponse | None:
        """Return the refusal that comes before Asterisk looks for the resource in the path, or None."""
        if request.body and request.is_json and request.document is None:
            return error(400, "Request body is not valid JSON")
        check = self._checks.get((route.operation.resource, route.operation.name))
        is_first = route.operation.name.removesuffix("WithId") in _FIRST
        return check(route, request) if is_first and check is not None else None

    def _state_of(self, channel: str) -> str:
        return str(self._channel_of(channel).get("state", ""))

    def _prefix(self, route: Route, request: RestRequest) -> RestResponse | None:
        name, prefixes, status, text = _PREFIXES[route.operation.name]
        return None if route.ids[name].startswith(prefixes) else error(status, text)

    def _log(self, route: Route, request: RestRequest) -> RestResponse | None:
        name = route.ids["logChannelName"]
        return None if name in _LOGS or self._exists("logs", name) else error(404, "Log channel does not exist")

    def _no_music(self, route: Route, request: RestRequest) -> RestResponse | None:
        is_playing = self._exists("moh", route.ids["bridgeId"])
        return None if is_playing else error(409, "Bridge isn't playing music")

    def _rtp(self, route: Route, request: RestRequest) -> RestResponse | None:
        technology = str(self._channel_of(route.ids["channelId"]).get("name", "")).partition("/")[0]
        return None if not technology or technology in _RTP else error(403, "Unsupported channel type")

    def _message(self, route: Route, request: RestRequest) -> RestResponse | None:
        technology = route.ids.get("tech") or request.parameters.get("to", "").replace("/", ":").partition(":")[0]
        has_target = "tech" in route.ids or request.parameters.get("to")
        if has_target and technology.lower() not in _MESSAGES:
            return error(404, "Endpoint not found")
        return self._required(route, request)

    def _variable(self, route: Route, request: RestRequest) -> RestResponse | None:
        given = request.parameters
        return None if given.get("variable") or given.get("variables") else error(400, "Variable name is required")

    def _variables(self, route: Route, request: RestRequest) -> RestResponse | None:
        given = request.document
        return None if isinstance(given, dict) and given.get("variables") else error(400, "Variables are required")

    def _snoop(self, route: Route, request: RestRequest) -> RestResponse | None:
        directions = {request.parameters.get(name, "none") for name in ("spy", "whisper")}
        return None if directions - {"none", ""} else error(400, "Direction is missing: spy or whisper")

    def _control(self, route: Route, request: RestRequest) -> RestResponse | None:
        operation = request.parameters.get("operation", "")
        return None if operation in CONTROLS else error(400, f"Invalid operation {operation}")

    def _video_source(self, route: Route, request: RestRequest) -> RestResponse | None:
        channel = route.ids["channelId"]
        is_up = self._exists("channels", channel) and self._state_of(channel) not in _DOWN
        return None if is_up else error(422, "Channel not in Stasis application")

    def _channels(self, route: Route, request: RestRequest) -> RestResponse | None:
        channels = request.values("channel")
        if not channels:
            return error(400, "Missing parameter channel")
        missing = any(not self._exists("channels", channel) for channel in channels)
        return error(400, "Channel not found") if missing else None

    def _bridge(self, route: Route, request: RestRequest) -> RestResponse | None:
        given = request.parameters
        types = given.get("type", "mixing").split(",")
        if not set(types) <= BRIDGE_TYPES:
            return error(500, "Unable to create bridge")
        bridge_id = given.get("bridgeId", "")
        if route.operation.name == "createWithId" and not given.get("name"):
            bridge_id = route.ids["bridgeId"]  # with a name, it is renamed
        if bridge_id and self._exists("bridges", bridge_id):
            return error(409, f"Bridge with id '{bridge_id}' already exists")
        return None

    def _endpoint(self, route: Route, request: RestRequest) -> RestResponse | None:
        endpoint = request.parameters.get("endpoint", "")
        if not endpoint:
            return error(400, "Endpoint must be specified")
        technology, slash, resource = endpoint.partition("/")
        return None if technology and slash and resource else error(400, "Invalid endpoint specified")

    def _originate(self, route: Route, request: RestRequest) -> RestResponse | None:
        given = request.parameters
        if (refusal := self._endpoint(route, request)) is not None:
            return refusal
        if not given.get("app") and not given.get("extension"):
            return error(400, "Application or extension must be specified")
        return None

    def _external_media(self, route: Route, request: RestRequest) -> RestResponse | None:
        given = request.parameters
        for name in ("app", "format"):
            if not given.get(name):
                return error(400, f"{name} cannot be empty")
        if given.get("transport", "udp") == "websocket" or given.get("connection_type") == "server":
            return None
        host, colon, port = given.get("external_host", "").rpartition(":")
        return None if host and colon and port.isdigit() else error(400, "external_host must be <host>:<port>")

    def _device(self, route: Route, request: RestRequest) -> RestResponse | None:
        name = route.ids["deviceName"]
        if not name.startswith("Stasis:"):
            return error(409, "Uncontrolled device specified")
        state = request.parameters.get("deviceState", "")
        if route.operation.name == "update" and state not in DEVICES:
            return error(500, "Unknown device")
        return None

    def _user_event(self, route: Route, request: RestRequest) -> RestResponse | None:
        application = request.parameters.get("application", "")
        if not application:
            return error(400, "The application parameter was not provided")
        return None if self._has_application(application) else error(404, "Application not found")

    def _claim(self, route: Route, request: RestRequest) -> RestResponse | None:
        return self._required(route, request) or error(404, "Broadcast not found or already claimed")

    def _subscribe(self, route: Route, request: RestRequest) -> RestResponse | None:
        if not self._has_application(route.ids["applicationName"]):
            return error(404, "Application not found")
        if not request.values("eventSource"):
            return error(400, "Missing parameter eventSource")
        for source in request.values("eventSource"):
            scheme, colon, key = source.partition(":")
            if not colon or scheme not in SOURCES:
                return error(400, "Invalid event source URI scheme")
            if scheme in ("channel", "bridge") and key and not self._exists(f"{scheme}s", key):
                return error(422, "Event source does not exist")
        return None
