"""A notation for the events of a test: one short line an event, in which one sees who dials whom when.

    # Ann calls Bob, who answers and hangs up.
    0.000 a created PJSIP/1001-00000001 Ring 1001 → 1002
    0.100 b created PJSIP/1002-00000002 Down 1002
    0.100 a dials b
    2.000 b Up
    2.000 a dials b ANSWER
    2.010 b enters x
    2.020 a enters x
    8.000 b hangs up 16
    8.010 b leaves x
    8.020 b destroyed 16 with tech_cause=200

A line is a time in seconds, a channel (`-`: none), a verb of `VERBS` and its words; a word with a space is quoted.
The builder keeps the snapshot of each channel and bridge and fills it in. After `with`, `field=value` sets a field of
the frame, `id.field=value` one of a snapshot from here on (`FIELDS`); `field=-` removes it. Values are text, or JSON.

    at 2026-11-28T10:00:00 with context=phones   time 0 (2026-01-01T10:00:00), and what frames and snapshots have
    a is PJSIP/1001-00000001 Up 1001 → 1002      a channel that was there before, without an event
    x is bridge with bridge_type=holding         a bridge other than the usual one
    a with connected=1002                        another snapshot from here on
    {"type":"ChannelUserevent","at":1.5,…}       any other frame as JSON, in which "@a" stands for the snapshot of a
"""

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

__all__ = ["FIELDS", "VERBS", "frames"]

FIELDS = {
    "caller": ("caller", "number"), "caller_name": ("caller", "name"),
    "connected": ("connected", "number"), "connected_name": ("connected", "name"),
    "context": ("dialplan", "context"), "exten": ("dialplan", "exten"), "priority": ("dialplan", "priority"),
    "app": ("dialplan", "app_name"), "data": ("dialplan", "app_data"),
}  # fmt: skip
"""Short names of a channel's nested fields; all others are named as in ARI."""

NUMBERS = ("caller_presentation", "cause", "priority", "tech_cause")

CAUSES = {
    0: "Unknown", 1: "Unallocated (unassigned) number", 16: "Normal Clearing", 17: "User busy",
    18: "No user responding", 19: "User alerting, no answer", 20: "Subscriber absent", 21: "Call Rejected",
    26: "Answered elsewhere", 27: "Destination out of order", 34: "Circuit/channel congestion",
    127: "Interworking, unspecified",
}  # fmt: skip

Fields = dict[str, Any]

VERBS: dict[str, Callable[[Sequence[str]], Fields]] = {
    "created": lambda words: {"type": "ChannelCreated"},
    **dict.fromkeys(("Down", "Ring", "Ringing", "Up"), lambda words: {"type": "ChannelStateChange"}),
    "dials": lambda words: {
        "type": "Dial", "dialstatus": words[1] if words[1:] else "", "dialstring": "", "forward": ""
    },
    "hangs": lambda words: {"type": "ChannelHangupRequest", **({"cause": int(words[1])} if words[1:] else {})},
    "destroyed": lambda words: {
        "type": "ChannelDestroyed", "cause": int(words[0]), "cause_txt": CAUSES.get(int(words[0]), "")
    },
    "enters": lambda words: {"type": "ChannelEnteredBridge", "bridge": f"@{words[0]}"},
    "leaves": lambda words: {"type": "ChannelLeftBridge", "bridge": f"@{words[0]}"},
    "runs": lambda words: {
        "type": "ChannelDialplan", "dialplan_app": words[0], "dialplan_app_data": words[1] if words[1:] else ""
    },
    "sets": lambda words: {"type": "ChannelVarset", "variable": words[0], "value": words[1] if words[1:] else ""},
    "presses": lambda words: {
        "type": "ChannelDtmfReceived", "digit": words[0], **({"duration_ms": int(words[1])} if words[1:] else {})
    },
    "talks": lambda words: {"type": "ChannelTalkingStarted"},
    "falls": lambda words: {"type": "ChannelTalkingFinished", "duration": int(words[1])},
    "holds": lambda words: {"type": "ChannelHold", **({"musicclass": words[0]} if words else {})},
    "resumes": lambda words: {"type": "ChannelUnhold"},
    "starts": lambda words: {"type": "StasisStart", "application": words[0], "args": list(words[1:])},
    "ends": lambda words: {"type": "StasisEnd", "application": words[0]},
    "hears": lambda words: {"type": "PlaybackStarted", "playback": playback(words, "playing")},
    "heard": lambda words: {"type": "PlaybackFinished", "playback": playback(words, "done")},
}  # fmt: skip
"""The frame of each verb: `a hangs up 16`, `a falls silent 1400` (ms of speech), `a hears p sound:menu`."""


def playback(words: Sequence[str], state: str) -> Fields:
    return {"id": words[0], "media_uri": words[1], "language": "en", "state": state}


def frames(text: str) -> list[str]:
    """Return the frames of a text in this notation, as JSON.

    Raises `KeyError` for an unknown verb, and `ValueError` for a line that is not in this notation.
    """
    return [json.dumps(frame, ensure_ascii=False) for frame in Builder().frames(text)]


class Builder:
    """The snapshots as of the line that is read."""

    def __init__(self) -> None:
        self.base = datetime(2026, 1, 1, 10)
        self.defaults: Fields = {"asterisk_id": "02:fc:00:00:00:01", "application": "recorder"}
        self.snapshots: dict[str, Fields] = {}

    def frames(self, text: str) -> Iterator[Fields]:
        for line in text.splitlines():
            if line.startswith("{"):
                frame = json.loads(line)
                at = frame.pop("at", None)
                yield self.finished(frame if at is None else {**frame, "timestamp": self.stamp(at)})
            elif line.strip() and not line.startswith("#"):
                first, *words = shlex.split(line)
                end = words.index("with") if "with" in words else len(words)
                plain, fields = words[:end], [word.partition("=")[::2] for word in words[end + 1 :]]
                if not plain:
                    self.change([(f"{first}.{name}", value) for name, value in fields])
                elif first == "at":
                    self.base = datetime.fromisoformat(plain[0])
                    self.defaults |= {name: value_of(name, value) for name, value in fields}
                elif plain[0] == "is":
                    self.declare(first, plain[1:], self.base)
                    self.change([(f"{first}.{name}", value) for name, value in fields])
                else:
                    yield self.frame(float(first), plain[0], plain[1], plain[2:], fields)

    def frame(self, at: float, subject: str, verb: str, words: Sequence[str], fields: Sequence[Any]) -> Fields:
        frame = {**VERBS[verb](words), "timestamp": self.stamp(at)}
        if verb == "created":
            self.declare(subject, words, self.base + timedelta(seconds=at))
        if subject != "-":
            frame["caller" if verb == "dials" else "channel"] = f"@{subject}"
        self.imply(subject, verb, words)
        self.change([(name, value) for name, value in fields if "." in name])
        if verb == "dials":
            frame["peer"] = f"@{words[0]}"
        if "playback" in frame:
            frame["playback"]["target_uri"] = f"channel:{subject}"
            frame.pop("channel", None)
        frame |= {name: value_of(name, value) for name, value in fields if "." not in name}
        return self.finished(frame)

    def finished(self, frame: Fields) -> Fields:
        """Return the frame with its snapshots and defaults, without the fields that are `-`."""
        if "timestamp" in frame:
            frame = {**{name: self.defaults[name] for name in ("asterisk_id", "application")}, **frame}
        return {name: self.filled(value) for name, value in frame.items() if value != "-"}

    def filled(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return deepcopy(self.snapshot(value[1:]))
        return {name: self.filled(each) for name, each in value.items()} if isinstance(value, dict) else value

    def snapshot(self, thing: str) -> Fields:
        if thing not in self.snapshots:
            raise ValueError(f"{thing} is not known: write `{thing} is …`")
        return self.snapshots[thing]

    def declare(self, thing: str, words: Sequence[str], created: datetime) -> None:
        """Make the snapshot of a channel (`NAME STATE [NUMBER [→ EXTEN]]`) or of a bridge (`bridge`)."""
        if words == ["bridge"]:
            self.snapshots[thing] = {
                "id": thing, "technology": "simple_bridge", "bridge_type": "mixing", "bridge_class": "basic",
                "creator": "", "name": "", "channels": [], "creationtime": stamp(created), "video_mode": "none",
            }  # fmt: skip
            return
        name, state, *numbers = words
        caller, exten = numbers[0] if numbers else "", numbers[2] if numbers[2:] else "s"
        extra = {"channelvars": self.defaults["channelvars"]} if "channelvars" in self.defaults else {}
        self.snapshots[thing] = {
            "id": thing, "name": name, "state": state, "caller": {"name": "", "number": caller},
            "connected": {"name": "", "number": ""}, "accountcode": "", "dialplan": {
                "context": self.defaults.get("context", "default"), "exten": exten, "priority": 1, "app_name": "",
                "app_data": "",
            }, "creationtime": stamp(created), "language": "en", **extra,
        }  # fmt: skip

    def imply(self, subject: str, verb: str, words: Sequence[str]) -> None:
        """Change the snapshots as the event itself says."""
        if verb in ("Down", "Ring", "Ringing", "Up"):
            self.snapshot(subject)["state"] = verb
        if verb in ("enters", "leaves"):
            if words[0] not in self.snapshots:
                self.declare(words[0], ["bridge"], self.base)
            members = self.snapshot(words[0])["channels"]
            members[:] = [each for each in members if each != subject] + [subject] * (verb == "enters")
        if verb == "runs":
            self.snapshot(subject)["dialplan"] |= {"app_name": words[0], "app_data": words[1] if words[1:] else ""}

    def change(self, fields: Sequence[tuple[str, str]]) -> None:
        for name, text in fields:
            thing, _, field = name.rpartition(".")
            part, value = self.snapshot(thing), value_of(field, text)
            if field in FIELDS and "dialplan" in part:
                outer, field = FIELDS[field]
                part = part[outer]
            if value == "-":
                part.pop(field, None)
            else:
                part[field] = value

    def stamp(self, seconds: float) -> str:
        return stamp(self.base + timedelta(seconds=seconds))


def stamp(at: datetime) -> str:
    return f"{at.isoformat(timespec='milliseconds')}+0000"


def value_of(name: str, text: str) -> Any:
    """Return the value of a field. Digits are text, except in `NUMBERS`: numbers of telephones are."""
    if text.isdigit() and name not in NUMBERS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
