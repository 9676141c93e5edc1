"""What a client wants done: the answer that was recorded, else one that is plausible. Nothing is done."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from arirecord.ari.operations import Match

from .exchange import Answer, Question, error
from .recorded import Exchange
from .state import Switch
from .table import Table

__all__ = ["Answers", "Commands"]

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Answers:
    """The recorded answers to what apps asked; the same question gets them one after the other, then the last again."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._waiting: dict[_Key, list[Exchange]] = {}
        for exchange in reversed(exchanges):
            if exchange.status is not None and 200 <= exchange.status < 600:
                path, _, query = exchange.uri.partition("?")
                key = _key(exchange.method, path.removeprefix("/ari"), parse_qsl(query, keep_blank_values=True))
                self._waiting.setdefault(key, []).append(exchange)

    def next(self, question: Question) -> Answer | None:
        """The answer to a question; None where nobody asked it."""
        found = self._waiting.get(_key(question.method, question.path, question.query))
        if not found:
            return None
        exchange = found.pop() if len(found) > 1 else found[0]
        assert exchange.status is not None
        kind = exchange.content_type or "application/json"
        return Answer(exchange.status, body=exchange.body.encode(), content_type=kind)


def _key(method: str, path: str, query: Sequence[tuple[str, str]]) -> _Key:
    parts = "\0".join(unquote_plus(part) for part in path.strip("/").split("/"))
    return method, parts, tuple(sorted(pair for pair in query if pair[0] != "api_key"))


_NEW: Final = {"originate", "originateWithId", "create", "createWithId", "externalMedia"}


class Commands:
    """Answers what nothing else answers. What a client makes can be asked for until it ends it: `made`, by kind."""

    def __init__(self, recorded: Sequence[Exchange], switch: Switch, moment: Callable[[], str]) -> None:
        self.made: dict[str, dict[str, Mapping[str, Any]]] = {
            "channels": {},
            "bridges": {},
            "playbacks": {},
            "live": {},
        }
        self._answers = Answers(recorded)
        self._switch = switch
        self._moment = moment
        self._numbers = count()
        self._bodies: Mapping[str, Callable[[Match, Question], Mapping[str, Any]]] = {
            "Channel": self._channel,
            "Bridge": self._bridge,
            "Playback": self._playback,
            "LiveRecording": self._recording,
            "StoredRecording": self._copy,
        }

    def answer(self, match: Match, question: Question) -> Answer:
        """The recorded answer; else documented success with a plausible body, or the error where that is plain."""
        operation = match.operation
        recorded = self._answers.next(question)
        if operation.method == "GET":
            return recorded or self._get(match)
        if recorded is not None:
            if recorded.status < 300:
                self._note(match, question)
            return recorded
        if self._unknown(match):
            return error(404, f"{operation.resource.removesuffix('s').capitalize()} not found")
        for parameter in operation.parameters:
            if parameter.required and parameter.where == "query" and not question.parameters.get(parameter.name):
                return error(400 if 400 in operation.errors else 409, f"{parameter.name} is required")
        self._note(match, question)
        body = self._bodies.get(operation.returns)
        if body is not None:
            return Answer(operation.status, body(match, question))
        return Answer(operation.status, [] if operation.returns.startswith("List[") else None)

    def made_one(self, match: Match) -> Answer | None:
        """What a client made and asks for; None where it made no such thing."""
        kind, key = _subject(match)
        item = self.made.get(kind, {}).get(key)
        return Answer(200, item) if item is not None and match.operation.name in ("get", "getLive") else None

    def _get(self, match: Match) -> Answer:
        operation = match.operation
        return Answer(200, []) if operation.returns.startswith("List[") else error(404, "Not in the recording")

    def _unknown(self, match: Match) -> bool:
        """Whether a command is for something that never was: neither in the recording so far, nor made by a client."""
        kind, key = _subject(match)
        tables: Mapping[str, Table] = {
            "channels": self._switch.channels,
            "bridges": self._switch.bridges,
            "playbacks": self._switch.playbacks,
            "live": self._switch.recordings,
        }
        if not key or kind not in tables or match.operation.name in _NEW:
            return False
        return not tables[kind].was(key) and key not in self.made[kind]

    def _note(self, match: Match, question: Question) -> None:
        """Remember what a client sets or ends, so that it can ask for it."""
        kind, key = _subject(match)
        name, given = match.operation.name, question.parameters
        if name == "setChannelVar" and "variable" in given:
            self._switch.variables.setdefault(key, {})[given["variable"]] = given.get("value", "")
        elif name == "setGlobalVar" and "variable" in given:
            self._switch.global_variables[given["variable"]] = given.get("value", "")
        elif name in ("hangup", "destroy", "stop", "cancel"):
            self.made.get(kind, {}).pop(key, None)
        elif match.operation.resource == "deviceStates":
            device = match.ids["deviceName"]
            if name == "update":
                self._switch.device_states.put(
                    device, {"name": device, "state": given.get("deviceState", "UNKNOWN")}, 0, True
                )
            else:
                self._switch.device_states.drop(device)

    def _channel(self, match: Match, question: Question) -> Mapping[str, Any]:
        given = question.parameters
        own = "snoopId" if match.operation.name.startswith("snoop") else "channelId"
        asked = match.ids.get("snoopId") if own == "snoopId" else match.ids.get("channelId")
        number = next(self._numbers)
        channel_id = asked or given.get(own) or f"{int(time.time())}.{number}"
        stem = given.get("endpoint") or (f"Snoop/{channel_id}" if own == "snoopId" else "UnicastRTP/media")
        caller_name, _, caller = given.get("callerId", "").rpartition("<")
        channel = {
            "id": channel_id,
            "name": f"{stem}-{number:08x}",
            "state": "Down",
            "protocol_id": "",
            "caller": {"name": caller_name.strip(' "'), "number": caller.rstrip(">")},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": given.get("context") or "default",
                "exten": given.get("extension") or "s",
                "priority": 1,
                "app_name": "AppDial2",
                "app_data": "(Outgoing Line)",
            },
            "creationtime": self._moment(),
            "language": "en",
        }
        self.made["channels"][channel_id] = channel
        return channel

    def _bridge(self, match: Match, question: Question) -> Mapping[str, Any]:
        given = question.parameters
        bridge_id = match.ids.get("bridgeId") or given.get("bridgeId") or str(uuid.uuid4())
        kinds = given.get("type", "mixing").split(",")
        bridge: dict[str, Any] = {
            "id": bridge_id,
            "technology": "holding_bridge" if "holding" in kinds else "simple_bridge",
            "bridge_type": "holding" if "holding" in kinds else "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": given.get("name", ""),
            "channels": [],
            "creationtime": self._moment(),
            "video_mode": "none",
        }
        self.made["bridges"][bridge_id] = bridge
        return bridge

    def _playback(self, match: Match, question: Question) -> Mapping[str, Any]:
        given = question.parameters
        media = next((value for name, value in question.query if name == "media"), given.get("media", ""))
        first, *further = media.split(",")
        playback = {
            "id": match.ids.get("playbackId") or given.get("playbackId") or str(uuid.uuid4()),
            "media_uri": first,
            **({"next_media_uri": further[0]} if further else {}),
            "target_uri": _target(match),
            "language": given.get("lang") or "en",
            "state": "playing",
        }
        self.made["playbacks"][playback["id"]] = playback
        return playback

    def _recording(self, match: Match, question: Question) -> Mapping[str, Any]:
        given = question.parameters
        name = given.get("name", "")
        recording = {"name": name, "format": given.get("format", ""), "target_uri": _target(match), "state": "queued"}
        self.made["live"][name] = recording
        return recording

    def _copy(self, match: Match, question: Question) -> Mapping[str, Any]:
        form = self._switch.stored.get(match.ids.get("recordingName", ""), {}).get("format", "wav")
        return {"name": question.parameters.get("destinationRecordingName", ""), "format": form}


def _subject(match: Match) -> tuple[str, str]:
    """What a path is about: the kind of the thing and its id, `("channels", "17.1")`; no id where it names none."""
    operation, ids = match.operation, match.ids
    for kind, parameter in (("channels", "channelId"), ("bridges", "bridgeId"), ("playbacks", "playbackId")):
        if operation.resource == kind:
            return kind, ids.get(parameter, "")
    if operation.path.startswith("/recordings/live/"):
        return "live", ids["recordingName"]
    return operation.resource, ""


def _target(match: Match) -> str:
    kind, key = _subject(match)
    return f"{kind.removesuffix('s')}:{key}"
