"""Queries, answered from the pbx state in ARI's shapes."""

from collections.abc import Callable, Mapping
from typing import Any

from arirecord.asterisk.rest_operations import Route
from arirecord.replay.rest.messages import RestRequest, RestResponse, error
from arirecord.replay.rest.recorded_exchanges import RecordedRest

from .state import PbxState

__all__ = ["Handler", "lookups"]

Handler = Callable[[Route, RestRequest], RestResponse]


def lookups(switch: PbxState, recorded: RecordedRest) -> Mapping[tuple[str, str], Handler]:
    """The handlers of the queries, by `(resource, name of the operation)`."""
    asked = _Lookups(switch, recorded)
    return {
        ("channels", "list"): asked.all(lambda s: s.channels.items),
        ("channels", "get"): asked.one(lambda s: s.channels.items, "channelId", "Channel not found"),
        ("channels", "getChannelVar"): asked.channel_variable,
        ("channels", "getChannelVars"): asked.channel_variables,
        ("bridges", "list"): asked.all(lambda s: s.bridges.items),
        ("bridges", "get"): asked.one(lambda s: s.bridges.items, "bridgeId", "Bridge not found"),
        ("endpoints", "list"): asked.all(lambda s: s.endpoints.items),
        ("endpoints", "listByTech"): asked.endpoints_of,
        ("endpoints", "get"): asked.endpoint,
        ("deviceStates", "list"): asked.device_states,
        ("deviceStates", "get"): asked.device_state,
        ("playbacks", "get"): asked.one(lambda s: s.playbacks.items, "playbackId", "Playback not found"),
        ("recordings", "getLive"): asked.one(lambda s: s.recordings.items, "recordingName", "Recording not found"),
        ("recordings", "listStored"): asked.all(lambda s: s.stored),
        ("recordings", "getStored"): asked.one(lambda s: s.stored, "recordingName", "Recording not found"),
        ("sounds", "list"): asked.sounds,
        ("sounds", "get"): asked.sound,
        ("asterisk", "getGlobalVar"): asked.global_variable,
    }


class _Lookups:
    def __init__(self, switch: PbxState, recorded: RecordedRest) -> None:
        self._switch = switch
        self._sounds = recorded.sounds

    def all(self, items: Callable[[PbxState], Mapping[str, Any]]) -> Handler:
        return lambda match, question: RestResponse(200, list(items(self._switch).values()))

    def one(self, items: Callable[[PbxState], Mapping[str, Any]], parameter: str, missing: str) -> Handler:
        return lambda match, question: _found(items(self._switch).get(match.ids[parameter]), missing)

    def channel_variable(self, match: Route, question: RestRequest) -> RestResponse:
        if not (name := question.parameters.get("variable")):
            return error(400, "Variable name is required")
        channel_id = match.ids["channelId"]
        if not self._has_variables(channel_id):
            return error(404, "Provided channel was not found")
        value = self._value(channel_id, name)
        return error(404, "Provided variable was not found") if value is None else RestResponse(200, {"value": value})

    def channel_variables(self, match: Route, question: RestRequest) -> RestResponse:
        if not (names := question.parameters.get("variables")):
            return error(400, "At least one variable name is required")
        channel_id = match.ids["channelId"]
        if not self._has_variables(channel_id):
            return error(404, "Provided channel was not found")
        values = {name: self._value(channel_id, name) for name in names.split(",") if name}
        return RestResponse(200, {"variables": {name: value for name, value in values.items() if value is not None}})

    def _has_variables(self, channel_id: str) -> bool:
        return channel_id in self._switch.channels.items and channel_id not in self._switch.ending

    def _value(self, channel_id: str, name: str) -> str | None:
        """A channel's variable: as a client set it, as events report it, or as the channel object implies it."""
        channel = self._switch.channels.items[channel_id]
        if (value := self._switch.variables.get(channel_id, {}).get(name)) is not None:
            return value
        told = channel.get("channelvars")
        if isinstance(told, dict) and isinstance(told.get(name), str):
            return str(told[name])
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

    def endpoints_of(self, match: Route, question: RestRequest) -> RestResponse:
        wanted = match.ids["tech"].lower()
        of_tech = [e for e in self._switch.endpoints.items.values() if str(e.get("technology")).lower() == wanted]
        return RestResponse(200, of_tech) if of_tech else error(404, "Endpoints not found")

    def endpoint(self, match: Route, question: RestRequest) -> RestResponse:
        wanted = (match.ids["tech"].lower(), match.ids["resource"])
        for endpoint in self._switch.endpoints.items.values():
            if (str(endpoint.get("technology")).lower(), endpoint.get("resource")) == wanted:
                return RestResponse(200, endpoint)
        return error(404, "Endpoint not found")

    def device_states(self, match: Route, question: RestRequest) -> RestResponse:
        # ARI lists only device states that apps made; events report all of them.
        items = self._switch.device_states.items
        return RestResponse(200, [item for name, item in items.items() if name.startswith("Stasis:")])

    def device_state(self, match: Route, question: RestRequest) -> RestResponse:
        name = match.ids["deviceName"]
        return RestResponse(200, self._switch.device_states.items.get(name, {"name": name, "state": "UNKNOWN"}))

    def sounds(self, match: Route, question: RestRequest) -> RestResponse:
        wanted = {("language", question.parameters.get("lang")), ("format", question.parameters.get("format"))}
        wanted = {(field, value) for field, value in wanted if value}
        found = ((sound, _formats(sound, wanted)) for sound in self._sounds)
        return RestResponse(
            200, [{**sound, "formats": formats} if wanted else sound for sound, formats in found if formats]
        )

    def sound(self, match: Route, question: RestRequest) -> RestResponse:
        named = (s for s in self._sounds if isinstance(s, dict) and s.get("id") == match.ids["soundId"])
        return _found(next(named, None), "Sound not found")

    def global_variable(self, match: Route, question: RestRequest) -> RestResponse:
        if not (name := question.parameters.get("variable")):
            return error(400, "Variable name is required")
        return RestResponse(200, {"value": self._switch.global_variables.get(name, "")})


def _found(item: Any, missing: str) -> RestResponse:
    return error(404, missing) if item is None else RestResponse(200, item)


def _formats(sound: Any, wanted: set[tuple[str, str | None]]) -> list[Any]:
    """The formats of a sound that match."""
    formats = sound.get("formats") if isinstance(sound, dict) else None
    pairs = [form for form in formats if isinstance(form, dict)] if isinstance(formats, list) else []
    return [form for form in pairs if all(form.get(field) == value for field, value in wanted)]
