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
_LONGEST = 500
"""Characters of a text that are shown, such as a variable's value. `arirecord cat --seq` prints the whole frame."""
_BUSINESS_AS_USUAL = ("RINGING", "PROGRESS", "PROCEEDING", "ANSWER")


def moment_of(event: Event, context: EventContext) -> LadderStep:
    """Return the moment of an event; for an unknown type it has only the type."""
    words = _STEPS_OF_TYPES.get(event.type if event.kind == "event" else event.kind, _other)(event, context)
    fields: dict[str, Any] = {"kind": "other", "channel_id": event.channel_id, "label": event.type, **words}
    for name in ("channel_id", "other_id"):
        fields[name] = fields[name] if isinstance(fields.get(name), str) else None
    for name in ("what", "label", "detail", "actor"):
        fields[name] = _shortened(str(fields.get(name) or ""))
    return LadderStep(seq=event.seq, at=event.at, **fields)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _other(event: Event, context: EventContext) -> Row:
    return {"what": event.type, "actor": "Asterisk"}


def _step(kind: str, what: object, label: object, detail: object = "", **more: object) -> Row:
    return {"kind": kind, "what": what, "label": label, "detail": detail, **more}


def _created(event: Event, context: EventContext) -> Row:
    channel = event.part("channel")
    plan = _dict(channel.get("dialplan"))
    if channel.get("state") != "Ring":
        return _step("created", "is created", "created")
    where = "@".join(str(plan[k]) for k in ("exten", "context") if plan.get(k))
    is_local = context.roles.get(event.channel_id or "") == "local"
    return _step("created", "runs" if is_local else "calls", str(plan.get("exten")), where)


def _state(event: Event, context: EventContext) -> Row:
    state = str(event.part("channel").get("state"))
    is_caller = context.roles.get(event.channel_id or "") == "caller"
    return _step(
        "state", {"Up": "is answered" if is_caller else "answers", "Ringing": "rings"}.get(state, f"is {state}"), state
    )


def _dial(event: Event, context: EventContext) -> Row:
    data, status = event.data, str(event.data.get("dialstatus") or "")
    caller, peer, forwarded = (event.id_of(k) for k in ("caller", "peer", "forwarded"))
    if not status:
        string = data.get("dialstring")
        return _step("dial", "dials", "dial", string, channel_id=caller, other_id=peer, actor="Asterisk")
    if data.get("forward"):
        what = "sends the call on to"
        return _step("dial_status", what, "forward", data["forward"], channel_id=peer, other_id=forwarded)
    with_caller, alone = _STATUS.get(status, (f"says {status} to", f"says {status}"))
    is_usual = status in _BUSINESS_AS_USUAL
    return _step(
        "dial_status", with_caller if caller else alone, status, "" if is_usual else status,
        channel_id=peer, other_id=caller, is_bad=not is_usual and status != "CANCEL",
    )  # fmt: skip


def _entered(event: Event, context: EventContext) -> Row:
    bridge = context.bridge(event.bridge_id)
    verb = "waits in" if bridge.type == "holding" else "enters"
    return _step("enter", f"{verb} {bridge.label}", bridge.label, _members(event, "in it"))


def _left(event: Event, context: EventContext) -> Row:
    label = context.bridge(event.bridge_id).label
    return _step("leave", f"leaves {label}", f"out of {label}", _members(event, "left in it"))


def _members(event: Event, where: str) -> str:
    count = len(_list(event.part("bridge").get("channels")))
    return f"{count or 'nobody'} {where}"


def _bridge(event: Event, context: EventContext) -> Row:
    bridge = context.bridge(event.bridge_id)
    if event.type == "BridgeMerged":
        other = context.bridge(event.id_of("bridge_from"))
        return _step("bridge", f"is merged into {bridge.label}", "merged", actor=other.label)
    what = {"BridgeCreated": "is created", "BridgeDestroyed": "is destroyed"}.get(event.type, event.type)
    properties = ", ".join(filter(None, (bridge.type, bridge.technology, bridge.creator)))
    detail = properties if event.type == "BridgeCreated" else ""
    return _step("bridge", what, bridge.label, detail, actor=bridge.label)


def _dtmf(event: Event, context: EventContext) -> Row:
    digit, ms = str(event.data.get("digit")), event.data.get("duration_ms")
    duration = ms if isinstance(ms, int) else None
    detail = "" if duration is None else f"{duration} ms"
    return _step("dtmf", f"presses {digit}", digit, detail, duration_ms=duration)


def _hold(event: Event, context: EventContext) -> Row:
    if event.type == "ChannelUnhold":
        is_held = event.channel_id in context.holding
        return _step("unhold", "ends the hold" if is_held else "sends unhold without a hold", "unhold")
    music = event.data.get("musicclass")
    return _step("hold", "holds", "hold", f"music {music}" if music else "")


def _refer(event: Event, context: EventContext) -> Row:
    by, to = event.part("referred_by"), event.part("refer_to")
    target = _dict(to.get("requested_destination")).get("destination") or ""
    detail = ", ".join(filter(None, (f"to {target}" if target else "", str(event.data.get("state") or ""))))
    by_id = _dict(by.get("source_channel")).get("id")
    return _step("transfer", "asks the application for a transfer", "REFER", detail, channel_id=by_id, other_id=None)


def _hangup(event: Event, context: EventContext) -> Row:
    data, role = event.data, context.roles.get(event.channel_id or "")
    cause, sip = data.get("cause"), _number(data.get("tech_cause")) or None
    detail = ", ".join(filter(None, (f"cause {cause}" if cause is not None else "", f"SIP {sip}" if sip else "")))
    is_up, label = event.part("channel").get("state") == "Up", "hangup"
    if data.get("soft"):
        what = "is asked by Asterisk to end"
    elif not is_up and role == "called" and sip:
        what, label = "redirects" if 300 <= sip < 400 else "refuses", f"SIP {sip}"
    elif not is_up and role == "caller":
        what = "gives up" if sip in (None, 487) else "is refused"
    else:
        what = "hangs up" if role in ("caller", "called") else "is hung up"
    return _step("hangup", what, label, detail)


def _destroyed(event: Event, context: EventContext) -> Row:
    cause, words, sip = (event.data.get(k) for k in ("cause", "cause_txt", "tech_cause"))
    detail = " ".join(str(v) for v in (cause, words) if v is not None) + (f", SIP {sip}" if sip else "")
    return _step("end", "ends", "end", detail)


def _stasis(event: Event, context: EventContext) -> Row:
    app = event.data.get("application") or "?"
    if event.type == "StasisEnd":
        return _step("stasis", f"leaves application {app}", "StasisEnd")
    args = ", ".join(map(str, _list(event.data.get("args"))))
    replaced = event.id_of("replace_channel")
    what = f"enters application {app}" + (" instead of" if replaced else "")
    return _step("stasis", what, "StasisStart", args, other_id=replaced)


def _dialplan(event: Event, context: EventContext) -> Row:
    app, data = event.data.get("dialplan_app") or "", event.data.get("dialplan_app_data") or ""
    return _step("dialplan", f"runs {app}({data})", app)


def _variable(event: Event, context: EventContext) -> Row:
    name, value = str(event.data.get("variable")), event.data.get("value")
    return _step("variable", f"gets {name}={value}", name, actor="Asterisk")


def _json_text(value: Row) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "(nested too deeply to be shown)"


def _user_event(event: Event, context: EventContext) -> Row:
    name = str(event.data.get("eventname"))
    fields = {k: v for k, v in event.part("userevent").items() if k != "eventname"}
    return _step("user_event", f"user event {name}", name, _json_text(fields) if fields else "", actor="application")


def _playback(event: Event, context: EventContext) -> Row:
    playback = event.part("playback")
    media, is_bad = str(playback.get("media_uri")), playback.get("state") == "failed"
    target = _target(playback, context)
    if event.type == "PlaybackFinished":
        return _step(
            "playback", "was played", "played", media + (", failed" if is_bad else ""), is_bad=is_bad, **target
        )
    return _step("playback", "is played", media, media, is_bad=is_bad, **target)


def _recording(event: Event, context: EventContext) -> Row:
    recording = event.part("recording")
    name, state, cause = (recording.get(k) for k in ("name", "state", "cause"))
    target = _target(recording, context)
    if event.type == "RecordingStarted":
        return _step("recording", "is recorded", "recording", str(name), **target)
    detail, is_bad = ", ".join(str(v) for v in (name, state, cause) if v), event.type == "RecordingFailed"
    return _step("recording", "is no longer recorded", "recording", detail, is_bad=is_bad, **target)


def _target(about: Row, context: EventContext) -> Row:
    where, _, target = str(about.get("target_uri", "")).partition(":")
    return {"channel_id": target} if where == "channel" else {"actor": context.bridge(target).label}


def _gap(event: Event, context: EventContext) -> Row:
    lost = event.data.get("connection_lost_count")
    what = f"a gap{f' of {lost} frames' if lost else ''}: what happened is not in the recording"
    return _step("gap", what, "gap", event.data.get("connection_reason"), is_bad=True)


def _mark(event: Event, context: EventContext) -> Row:
    by = event.data.get("mark_by") or "an unknown user"
    return _step("mark", "notes", "mark", event.data.get("mark_text"), actor=by)


def _rest(event: Event, context: EventContext) -> Row:
    data = event.data
    status, uri = data.get("rest_status"), str(data.get("rest_uri"))
    ms = _number(data.get("rest_duration_ns")) / 1e6
    channel = next((i for i in sorted(context.roles, key=len, reverse=True) if f"/{i}" in uri or f"={i}" in uri), None)
    return _step(
        "rest", f"{data.get('rest_method')} {uri}", "REST", f"{status}, {ms:.0f} ms", actor="application",
        channel_id=None, other_id=channel, is_bad=isinstance(status, int) and status >= 400,
    )  # fmt: skip


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
