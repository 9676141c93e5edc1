"""Queries, answered from the pbx state in ARI's shapes."""

from collections.abc import Callable, Mapping
from typing import Any

from arirecord.asterisk.rest_operations import Route
from arirecord.replay.rest.messages import RestRequest, RestResponse, error
from arirecord.replay.rest.recorded_exchanges import RecordedRest

from .state import PbxState

__all__ = ["Handler", "lookups"]

Handler = Callable[[Route, RestRequest], RestResponse]


def lookups(pbx: PbxState, recorded: RecordedRest) -> Mapping[tuple[str, str], Handler]:
    """The handlers of the queries, by `(resource, name of the operation)`."""
    queries = _Lookups(pbx, recorded)
    return {
        ("channels", "list"): queries.all(lambda s: s.channels.items),
        ("channels", "get"): queries.one(lambda s: s.channels.items, "channelId", "Channel not found"),
        ("channels", "getChannelVar"): queries.channel_variable,
        ("channels", "getChannelVars"): queries.channel_variables,
        ("bridges", "list"): queries.all(lambda s: s.bridges.items),
        ("bridges", "get"): queries.one(lambda s: s.bridges.items, "bridgeId", "Bridge not found"),
        ("endpoints", "list"): queries.all(lambda s: s.endpoints.items),
        ("endpoints", "listByTech"): queries.endpoints_of,
        ("endpoints", "get"): queries.endpoint,
        ("deviceStates", "list"): queries.device_states,
        ("deviceStates", "get"): queries.device_state,
        ("playbacks", "get"): queries.one(lambda s: s.playbacks.items, "playbackId", "Playback not found"),
        ("recordings", "getLive"): queries.one(lambda s: s.recordings.items, "recordingName", "Recording not found"),
        ("recordings", "listStored"): queries.all(lambda s: s.stored),
        ("recordings", "getStored"): queries.one(lambda s: s.stored, "recordingName", "Recording not found"),
        ("sounds", "list"): queries.sounds,
        ("sounds", "get"): queries.sound,
        ("asterisk", "getGlobalVar"): queries.global_variable,
    }


class _Lookups:
    def __init__(self, pbx: PbxState, recorded: RecordedRest) -> None:
        self._pbx = pbx
        self._sounds = recorded.sounds

    def all(self, items: Callable[[PbxState], Mapping[str, Any]]) -> Handler:
        return lambda route, request: RestResponse(200, list(items(self._pbx).values()))

    def one(self, items: Callable[[PbxState], Mapping[str, Any]], parameter: str, missing: str) -> Handler:
        return lambda route, request: _found(items(self._pbx).get(route.ids[parameter]), missing)

    def channel_variable(self, route: Route, request: RestRequest) -> RestResponse:
        if not (name := request.parameters.get("variable")):
            return error(400, "Variable name is required")
        channel_id = route.ids["channelId"]
        if not self._has_variables(channel_id):
            return error(404, "Provided channel was not found")
        value = self._value(channel_id, name)
        return error(404, "Provided variable was not found") if value is None else RestResponse(200, {"value": value})

    def channel_variables(self, route: Route, request: RestRequest) -> RestResponse:
        if not (names := request.parameters.get("variables")):
            return error(400, "At least one variable name is required")
        channel_id = route.ids["channelId"]
        if not self._has_variables(channel_id):
            return error(404, "Provided channel was not found")
        values = {name: self._value(channel_id, name) for name in names.split(",") if name}
        return RestResponse(200, {"variables": {name: value for name, value in values.items() if value is not None}})

    def _has_variables(self, channel_id: str) -> bool:
        return channel_id in self._pbx.channels.items and channel_id not in self._pbx.ending

    def _value(self, channel_id: str, name: str) -> str | None:
        """A channel's variable: as a client set it, as events report it, or as the channel object implies it."""
        channel = self._pbx.channels.items[channel_id]
        if (value := self._pbx.variables.get(channel_id, {}).get(name)) is not None:
            return value
        channel_variables = channel.get("channelvars")
        if isinstance(channel_variables, dict) and isinstance(channel_variables.get(name), str):
            return str(channel_variables[name])
        caller = channel.get("caller")
        caller = caller if isinstance(caller, dict) else {}
        plain = {
            "CALLERID(num)": caller.get("number"),
            "CALLERID(name)": caller.get("name"),
            "CHANNEL(name)": channel.get("name"),
            "CHANNEL(language)": channel.get("language"),
            "CHANNEL(state)": channel.get("state"),
            "CHANNEL": channel.get("name"),
            "UNIQUEID": channel_id,
        }.get(name)
        return plain if isinstance(plain, str) else None

    def endpoints_of(self, route: Route, request: RestRequest) -> RestResponse:
        wanted = route.ids["tech"].lower()
        of_tech = [e for e in self._pbx.endpoints.items.values() if str(e.get("technology")).lower() == wanted]
        return RestResponse(200, of_tech) if of_tech else error(404, "Endpoints not found")

    def endpoint(self, route: Route, request: RestRequest) -> RestResponse:
        wanted = (route.ids["tech"].lower(), route.ids["resource"])
        for endpoint in self._pbx.endpoints.items.values():
            if (str(endpoint.get("technology")).lower(), endpoint.get("resource")) == wanted:
                return RestResponse(200, endpoint)
        return error(404, "Endpoint not found")

    def device_states(self, route: Route, request: RestRequest) -> RestResponse:
        # ARI lists only device states that apps made; events report all of them.
        items = self._pbx.device_states.items
        return RestResponse(200, [item for name, item in items.items() if name.startswith("Stasis:")])

    def device_state(self, route: Route, request: RestRequest) -> RestResponse:
        name = route.ids["deviceName"]
        return RestResponse(200, self._pbx.device_states.items.get(name, {"name": name, "state": "UNKNOWN"}))

    def sounds(self, route: Route, request: RestRequest) -> RestResponse:
        wanted = {("language", request.parameters.get("lang")), ("format", request.parameters.get("format"))}
        wanted = {(field, value) for field, value in wanted if value}
        found = ((sound, _formats(sound, wanted)) for sound in self._sounds)
        return RestResponse(
            200, [{**sound, "formats": formats} if wanted else sound for sound, formats in found if formats]
        )

    def sound(self, route: Route, request: RestRequest) -> RestResponse:
        named = (s for s in self._sounds if isinstance(s, dict) and s.get("id") == route.ids["soundId"])
        return _found(next(named, None), "Sound not found")

    def global_variable(self, route: Route, request: RestRequest) -> RestResponse:
        if not (name := request.parameters.get("variable")):
            return error(400, "Variable name is required")
        return RestResponse(200, {"value": self._pbx.global_variables.get(name, "")})


def _found(item: Any, missing: str) -> RestResponse:
    return error(404, missing) if item is None else RestResponse(200, item)


def _formats(sound: Any, wanted: set[tuple[str, str | None]]) -> list[Any]:
    """The formats of a sound that match."""
    formats = sound.get("formats") if isinstance(sound, dict) else None
    pairs = [form for form in formats if isinstance(form, dict)] if isinstance(formats, list) else []
    return [form for form in pairs if all(form.get(field) == value for field, value in wanted)]
