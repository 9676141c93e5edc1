"""Convert events to moments: describe each ARI event of a call in words."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from .call_data import Event, EventContext, Row
from .story import LadderStep

__all__ = ["moment_of"]

_STATUS = {
    # dialstatus: words with a caller, words without
    "RINGING": ("rings for", "rings"),
    "PROGRESS": ("sends early media to", "sends early media"),
    "PROCEEDING": ("is being reached for", "is being reached"),
    "ANSWER": ("answers", "answers"),
    "BUSY": ("is busy for", "is busy"),
    "NOANSWER": ("does not answer", "does not answer"),
    "CANCEL": ("is no longer dialled by", "is no longer dialled"),
    "CONGESTION": ("gives congestion to", "gives congestion"),
    "CHANUNAVAIL": ("can't be reached by", "can't be reached"),
}
_BUSINESS_AS_USUAL = ("RINGING", "PROGRESS", "PROCEEDING", "ANSWER")


def moment_of(event: Event, book: EventContext) -> LadderStep:
    """Return the moment of an event; for an unknown type it has only the type."""
    words = _STEPS_OF_TYPES.get(event.type if event.kind == "event" else event.kind, _other)(event, book)
    fields: dict[str, Any] = {"kind": "other", "channel_id": event.channel_id, "label": event.type, **words}
    for name in ("channel_id", "other_id"):
        fields[name] = fields[name] if isinstance(fields.get(name), str) else None
    for name in ("what", "label", "detail", "actor"):
        fields[name] = str(fields.get(name) or "")
    return LadderStep(seq=event.seq, at=event.at, **fields)


def _other(event: Event, book: EventContext) -> Row:
    return {"what": event.type, "actor": "Asterisk"}


def _created(event: Event, book: EventContext) -> Row:
    channel = event.part("channel")
    plan = _dict(channel.get("dialplan"))
    if channel.get("state") != "Ring":
        return {"kind": "created", "what": "is created", "label": "created"}
    where = "@".join(str(plan[k]) for k in ("exten", "context") if plan.get(k))
    is_local = book.roles.get(event.channel_id or "") == "local"
    return {
        "kind": "created",
        "what": "runs" if is_local else "calls",
        "detail": where,
        "label": str(plan.get("exten")),
    }


def _state(event: Event, book: EventContext) -> Row:
    state = str(event.part("channel").get("state"))
    is_caller = book.roles.get(event.channel_id or "") == "caller"
    what = {"Up": "is answered" if is_caller else "answers", "Ringing": "rings"}.get(state, f"is {state}")
    return {"kind": "state", "what": what, "label": state}


def _dial(event: Event, book: EventContext) -> Row:
    data, status = event.data, str(event.data.get("dialstatus") or "")
    caller, peer, forwarded = (event.id_of(k) for k in ("caller", "peer", "forwarded"))
    if not status:
        return {
            "kind": "dial", "what": "dials", "label": "dial", "channel_id": caller, "other_id": peer,
            "actor": "Asterisk", "detail": data.get("dialstring") or "",
        }  # fmt: skip
    if data.get("forward"):
        return {
            "kind": "dial_status", "what": "sends the call on to", "label": "forward", "channel_id": peer,
            "other_id": forwarded, "detail": data["forward"],
        }  # fmt: skip
    with_caller, alone = _STATUS.get(status, (f"says {status} to", f"says {status}"))
    is_usual = status in _BUSINESS_AS_USUAL
    return {
        "kind": "dial_status", "what": with_caller if caller else alone, "label": status, "channel_id": peer,
        "other_id": caller, "detail": "" if is_usual else status, "is_bad": not is_usual and status != "CANCEL",
    }  # fmt: skip


def _entered(event: Event, book: EventContext) -> Row:
    bridge = book.bridge(event.bridge_id)
    verb = "waits in" if bridge.type == "holding" else "enters"
    return {
        "kind": "enter",
        "what": f"{verb} {bridge.label}",
        "label": bridge.label,
        "detail": _members(event, "in it"),
    }


def _left(event: Event, book: EventContext) -> Row:
    label = book.bridge(event.bridge_id).label
    return {
        "kind": "leave",
        "what": f"leaves {label}",
        "label": f"out of {label}",
        "detail": _members(event, "left in it"),
    }


def _members(event: Event, where: str) -> str:
    count = len(_list(event.part("bridge").get("channels")))
    return f"{count or 'nobody'} {where}"


def _bridge(event: Event, book: EventContext) -> Row:
    bridge = book.bridge(event.bridge_id)
    if event.type == "BridgeMerged":
        other = book.bridge(event.id_of("bridge_from"))
        return {"kind": "bridge", "actor": other.label, "what": f"is merged into {bridge.label}", "label": "merged"}
    what = {"BridgeCreated": "is created", "BridgeDestroyed": "is destroyed"}.get(event.type, event.type)
    kinds = ", ".join(filter(None, (bridge.type, bridge.technology, bridge.creator)))
    detail = kinds if event.type == "BridgeCreated" else ""
    return {"kind": "bridge", "actor": bridge.label, "what": what, "label": bridge.label, "detail": detail}


def _dtmf(event: Event, book: EventContext) -> Row:
    digit, ms = str(event.data.get("digit")), event.data.get("duration_ms")
    duration = ms if isinstance(ms, int) else None
    detail = "" if duration is None else f"{duration} ms"
    return {"kind": "dtmf", "what": f"presses {digit}", "label": digit, "duration_ms": duration, "detail": detail}


def _hold(event: Event, book: EventContext) -> Row:
    if event.type == "ChannelUnhold":
        what = "ends the hold" if event.channel_id in book.holding else "sends unhold without a hold"
        return {"kind": "unhold", "what": what, "label": "unhold"}
    music = event.data.get("musicclass")
    return {"kind": "hold", "what": "holds", "label": "hold", "detail": f"music {music}" if music else ""}


def _refer(event: Event, book: EventContext) -> Row:
    by, to = event.part("referred_by"), event.part("refer_to")
    target = _dict(to.get("requested_destination")).get("destination") or ""
    detail = ", ".join(filter(None, (f"to {target}" if target else "", str(event.data.get("state") or ""))))
    return {
        "kind": "transfer", "what": "asks the application for a transfer", "label": "REFER", "detail": detail,
        "channel_id": _dict(by.get("source_channel")).get("id"), "other_id": None,
    }  # fmt: skip


def _hangup(event: Event, book: EventContext) -> Row:
    data, role = event.data, book.roles.get(event.channel_id or "")
    cause, sip = data.get("cause"), _number(data.get("tech_cause")) or None
    detail = ", ".join(filter(None, (f"cause {cause}" if cause is not None else "", f"SIP {sip}" if sip else "")))
    step = {"kind": "hangup", "label": "hangup", "detail": detail}
    is_up = event.part("channel").get("state") == "Up"
    if data.get("soft"):
        return {**step, "what": "is asked by Asterisk to end"}
    if not is_up and role == "called" and sip:
        return {**step, "what": "redirects" if 300 <= sip < 400 else "refuses", "label": f"SIP {sip}"}
    if not is_up and role == "caller":
        return {**step, "what": "gives up" if sip in (None, 487) else "is refused"}
    return {**step, "what": "hangs up" if role in ("caller", "called") else "is hung up"}


def _destroyed(event: Event, book: EventContext) -> Row:
    cause, words, sip = (event.data.get(k) for k in ("cause", "cause_txt", "tech_cause"))
    detail = " ".join(str(v) for v in (cause, words) if v is not None) + (f", SIP {sip}" if sip else "")
    return {"kind": "end", "what": "ends", "label": "end", "detail": detail}


def _stasis(event: Event, book: EventContext) -> Row:
    app = event.data.get("application") or "?"
    if event.type == "StasisEnd":
        return {"kind": "stasis", "what": f"leaves application {app}", "label": "StasisEnd"}
    args = ", ".join(map(str, _list(event.data.get("args"))))
    replaced = event.id_of("replace_channel")
    what = f"enters application {app}" + (" instead of" if replaced else "")
    return {"kind": "stasis", "what": what, "label": "StasisStart", "detail": args, "other_id": replaced}


def _dialplan(event: Event, book: EventContext) -> Row:
    app, data = event.data.get("dialplan_app") or "", event.data.get("dialplan_app_data") or ""
    return {"kind": "dialplan", "what": f"runs {app}({data})", "label": str(app)}


def _variable(event: Event, book: EventContext) -> Row:
    name, value = event.data.get("variable"), event.data.get("value")
    return {"kind": "variable", "what": f"gets {name}={value}", "label": str(name), "actor": "Asterisk"}


def _json_text(value: Row) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "(nested too deeply to be shown)"


def _user_event(event: Event, book: EventContext) -> Row:
    name = event.data.get("eventname")
    fields = {k: v for k, v in event.part("userevent").items() if k != "eventname"}
    detail = _json_text(fields) if fields else ""
    return {
        "kind": "user_event",
        "what": f"user event {name}",
        "label": str(name),
        "detail": detail,
        "actor": "application",
    }


def _playback(event: Event, book: EventContext) -> Row:
    playback = event.part("playback")
    media, state = str(playback.get("media_uri")), playback.get("state")
    is_bad = state == "failed"
    step = {"kind": "playback", "label": media, "is_bad": is_bad, **_target(playback, book)}
    if event.type == "PlaybackFinished":
        return {**step, "what": "was played", "detail": media + (", failed" if is_bad else ""), "label": "played"}
    return {**step, "what": "is played", "detail": media}


def _recording(event: Event, book: EventContext) -> Row:
    recording = event.part("recording")
    step = {"kind": "recording", "label": "recording", **_target(recording, book)}
    name, state, cause = (recording.get(k) for k in ("name", "state", "cause"))
    if event.type == "RecordingStarted":
        return {**step, "what": "is recorded", "detail": str(name)}
    detail = ", ".join(str(v) for v in (name, state, cause) if v)
    return {**step, "what": "is no longer recorded", "detail": detail, "is_bad": event.type == "RecordingFailed"}


def _target(about: Row, book: EventContext) -> Row:
    where, _, target = str(about.get("target_uri", "")).partition(":")
    return {"channel_id": target} if where == "channel" else {"actor": book.bridge(target).label}


def _gap(event: Event, book: EventContext) -> Row:
    lost = event.data.get("connection_lost_count")
    count = f" of {lost} frames" if lost else ""
    what = f"a gap{count}: what happened is not in the recording"
    return {
        "kind": "gap",
        "what": what,
        "label": "gap",
        "detail": event.data.get("connection_reason") or "",
        "is_bad": True,
    }


def _mark(event: Event, book: EventContext) -> Row:
    return {"kind": "mark", "actor": event.data.get("mark_by") or "an unknown user", "what": "notes", "label": "mark",
            "detail": event.data.get("mark_text") or ""}  # fmt: skip


def _rest(event: Event, book: EventContext) -> Row:
    data = event.data
    status, uri = data.get("rest_status"), str(data.get("rest_uri"))
    ms = _number(data.get("rest_duration_ns")) / 1e6
    channel = next((i for i in sorted(book.roles, key=len, reverse=True) if f"/{i}" in uri or f"={i}" in uri), None)
    return {
        "kind": "rest", "actor": "application", "what": f"{data.get('rest_method')} {uri}", "label": "REST",
        "detail": f"{status}, {ms:.0f} ms", "is_bad": isinstance(status, int) and status >= 400,
        "channel_id": None, "other_id": channel,
    }  # fmt: skip


_STEPS_OF_TYPES: Mapping[str, Callable[[Event, EventContext], Row]] = {
    "ChannelCreated": _created,
    "ChannelStateChange": _state,
    "Dial": _dial,
    "ChannelEnteredBridge": _entered,
    "ChannelLeftBridge": _left,
    "BridgeCreated": _bridge,
    "BridgeDestroyed": _bridge,
    "BridgeMerged": _bridge,
    "BridgeVideoSourceChanged": _bridge,
    "ChannelDtmfReceived": _dtmf,
    "ChannelHold": _hold,
    "ChannelUnhold": _hold,
    "ChannelTransfer": _refer,
    "ChannelHangupRequest": _hangup,
    "ChannelDestroyed": _destroyed,
    "StasisStart": _stasis,
    "StasisEnd": _stasis,
    "ChannelDialplan": _dialplan,
    "ChannelVarset": _variable,
    "ChannelUserevent": _user_event,
    "PlaybackStarted": _playback,
    "PlaybackContinuing": _playback,
    "PlaybackFinished": _playback,
    "RecordingStarted": _recording,
    "RecordingFinished": _recording,
    "RecordingFailed": _recording,
    "connection": _gap,
    "mark": _mark,
    "rest": _rest,
}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
