"""Rules about what was done in the call: dials, bridges, holds, transfers, applications."""

from collections.abc import Iterator
from datetime import timedelta

from .facts import Event, Facts, Row
from .story import Finding

__all__ = ["RULES"]

_ENDS_A_DIAL = (
    "ANSWER",
    "BUSY",
    "NOANSWER",
    "CANCEL",
    "CONGESTION",
    "CHANUNAVAIL",
    "DONTCALL",
    "TORTURE",
    "GOTO",
    "ABORT",
)
_LONELY = timedelta(seconds=5)
_SILENT = timedelta(seconds=3)
_LEFT_BEHIND = timedelta(seconds=5)
_HARMLESS_CAUSES = (0, 16, 17, 18, 19, 21, 26, 31)
"""Q.850: clearing as usual, busy, nobody there, rejected, answered elsewhere."""


def dial_without_status(facts: Facts) -> Iterator[Finding]:
    """A dial by a channel that begins and never says how it ended, though the dialled channel did.

    Where an application dials by itself and waits in vain, Asterisk says nothing: that is not counted.
    """
    begun: dict[str, Event] = {}
    ended = {leg["channel_id"] for leg in facts.legs if leg["ended_at"] is not None}
    for event in facts.events:
        if event.type != "Dial":
            continue
        peer, status = _peer(event), event.data.get("dialstatus") or ""
        if not status and event.data.get("caller"):
            begun[peer] = event
        elif status in _ENDS_A_DIAL:
            begun.pop(peer, None)
    for peer, event in begun.items():
        if peer in ended:
            yield Finding(
                "dial-without-status", "warning", "was dialled and ended, but the dial never said how", peer, event.seq,
                event.at,
            )  # fmt: skip


def answered_but_alone(facts: Facts) -> Iterator[Finding]:
    """A channel that a dial by another channel reached was never in a bridge."""
    bridged = {stay["channel_id"] for stay in facts.stays}
    for event in facts.events:
        if event.type == "Dial" and event.data.get("dialstatus") == "ANSWER" and event.data.get("caller"):
            peer = _peer(event)
            if peer not in bridged and any(leg["channel_id"] == peer and leg["ended_at"] for leg in facts.legs):
                yield Finding(
                    "answered-but-alone",
                    "warning",
                    "answered, and was never put through to anybody",
                    peer,
                    event.seq,
                    event.at,
                )


def lonely_in_bridge(facts: Facts) -> Iterator[Finding]:
    """A party that stays in a bridge for more than 5 s after all others have left it."""
    left: dict[str, tuple[str, Event]] = {}
    members: dict[str, list[str]] = {}
    for event in facts.events:
        bridge_id = event.bridge_id
        if bridge_id is None or event.type not in ("ChannelEnteredBridge", "ChannelLeftBridge"):
            continue
        bridge = event.part("bridge")
        now = _members(bridge)
        if bridge_id in left:
            alone, since = left.pop(bridge_id)
            if event.at - since.at > _LONELY:
                yield _alone(alone, since, event.at - since.at)
        is_last = event.type == "ChannelLeftBridge" and len(now) == 1
        if is_last and bridge.get("bridge_type") != "holding" and len(members.get(bridge_id, ())) > 1:
            left[bridge_id] = (now[0], event)
        members[bridge_id] = now
    ended_at = facts.call["ended_at"] or facts.recording_ended_at
    for alone, since in left.values():
        if ended_at - since.at > _LONELY:
            yield _alone(alone, since, ended_at - since.at)


def _alone(channel_id: str, since: Event, how_long: timedelta) -> Finding:
    text = f"stayed alone in a bridge for {how_long.total_seconds():.1f} s after the last other had left"
    return Finding("lonely-in-bridge", "warning", text, channel_id, since.seq, since.at)


def hold_without_unhold(facts: Facts) -> Iterator[Finding]:
    """A channel that held the other side until it ended; in a transfer that is as it should be."""
    transferers = {row["transferer_channel_id"] for row in facts.transfers}
    holds: dict[str, Event] = {}
    for event in facts.events:
        channel_id = event.channel_id or ""
        if event.type == "ChannelHold":
            holds[channel_id] = event
        elif event.type == "ChannelUnhold":
            holds.pop(channel_id, None)
        elif event.type == "ChannelDestroyed" and channel_id in holds and channel_id not in transferers:
            hold = holds.pop(channel_id)
            seconds = (event.at - hold.at).total_seconds()
            text = f"held the other side until the end, {seconds:.1f} s later"
            yield Finding("hold-without-unhold", "warning", text, channel_id, hold.seq, hold.at)


def transfer_failed(facts: Facts) -> Iterator[Finding]:
    """A transfer that Asterisk refused."""
    for row in facts.transfers:
        if row["result"] not in (None, "Success"):
            text = f"{row['kind']} transfer to {row['target'] or 'nowhere'} failed: {row['result']}"
            yield Finding(
                "transfer-failed", "warning", text, row["transferer_channel_id"], row["seq"], row["transferred_at"]
            )


def transfer_in_vain(facts: Facts) -> Iterator[Finding]:
    """A transfer that was done, and after which the transferred party reached nobody new."""
    for row in facts.transfers:
        if row["result"] == "Success" and row["outcome"] in ("busy", "no answer", "failed", "returned"):
            target = row["target"] or "somebody"
            text = f"{row['kind']} transfer to {target} was done, but came to nothing: {row['outcome']}"
            yield Finding(
                "transfer-in-vain", "warning", text, row["transferer_channel_id"], row["seq"], row["transferred_at"]
            )


def unusual_cause(facts: Facts) -> Iterator[Finding]:
    """A channel ended for a reason that speaks of a fault rather than of a person."""
    for leg in facts.legs:
        cause, words = leg["hangup_cause"], leg["hangup_cause_txt"]
        if cause is None or cause in _HARMLESS_CAUSES or (leg["tech_cause"] or 0) in (302, 487):
            continue
        sip = f", SIP {leg['tech_cause']}" if leg["tech_cause"] else ""
        yield Finding(
            "unusual-cause",
            "note",
            f"ended with {cause} {words or ''}{sip}",
            leg["channel_id"],
            leg["last_seq"],
            leg["ended_at"],
        )


def app_did_not_react(facts: Facts) -> Iterator[Finding]:
    """In a tapped recording: a channel came into the application, which then did nothing with it for 3 s."""
    if not facts.is_tapped:
        return
    ends_at = facts.call["ended_at"] or facts.recording_ended_at
    for event in facts.events:
        if event.type != "StasisStart" or event.channel_id is None:
            continue
        channel_id = event.channel_id
        answers = [e for e in facts.events if e.kind == "rest" and e.seq > event.seq and channel_id in str(e.data)]
        until = answers[0].at if answers else ends_at
        if until - event.at > _SILENT:
            how = (
                f"did nothing with it for {(until - event.at).total_seconds():.1f} s"
                if answers
                else "never did anything with it"
            )
            yield Finding(
                "app-did-not-react",
                "warning",
                f"came into {event.data.get('application')}, which {how}",
                channel_id,
                event.seq,
                event.at,
            )


def app_was_refused(facts: Facts) -> Iterator[Finding]:
    """In a tapped recording: Asterisk answered a request of the application's with an error."""
    for event in facts.events:
        status = event.data.get("rest_status")
        if event.kind == "rest" and isinstance(status, int) and status >= 400:
            what = f"{event.data.get('rest_method')} {event.data.get('rest_uri')}"
            yield Finding(
                "app-was-refused", "warning", f"{what} was answered with {status}", seq=event.seq, at=event.at
            )


def media_failed(facts: Facts) -> Iterator[Finding]:
    """A recording or a playback that failed while its channel was there; the end of a call cuts them off."""
    ending = {e.channel_id: e.seq for e in reversed(facts.events) if e.type in ("ChannelHangupRequest", "StasisEnd")}
    for event in facts.events:
        about = event.data.get("playback") or event.data.get("recording")
        if not isinstance(about, dict) or about.get("state") != "failed":
            continue
        where, _, target = str(about.get("target_uri")).partition(":")
        ends = ending.get(target) if where == "channel" else min(ending.values(), default=None)
        if ends is None or event.seq < ends:
            what = about.get("media_uri") or about.get("name")
            channel_id = target if where == "channel" else None
            yield Finding("media-failed", "warning", f"{what} failed ({event.type})", channel_id, event.seq, event.at)


def bridge_left_behind(facts: Facts) -> Iterator[Finding]:
    """A bridge that an application made for this call alone was still there 5 s after everybody had left it."""
    gone = {event.bridge_id for event in facts.events if event.type == "BridgeDestroyed"}
    gone |= {event.id_of("bridge_from") for event in facts.events if event.type == "BridgeMerged"}
    for event in facts.events:
        bridge_id = event.bridge_id
        is_ours = event.seq >= facts.call["first_seq"] and bridge_id not in facts.shared_bridge_ids
        if event.type != "BridgeCreated" or bridge_id in gone or not is_ours:
            continue
        left = [stay["left_at"] for stay in facts.stays if stay["bridge_id"] == bridge_id]
        is_stasis = event.part("bridge").get("bridge_class") == "stasis"
        if is_stasis and left and None not in left and facts.recording_ended_at - max(left) > _LEFT_BEHIND:
            bridge = event.part("bridge").get("name") or bridge_id
            text = f"the application's bridge {bridge} was not destroyed, though nobody is in it any more"
            yield Finding("bridge-left-behind", "note", text, seq=event.seq, at=event.at)


RULES = (
    dial_without_status, answered_but_alone, lonely_in_bridge, hold_without_unhold, transfer_failed, transfer_in_vain,
    unusual_cause,
    app_did_not_react, app_was_refused, media_failed, bridge_left_behind,
)  # fmt: skip


def _peer(event: Event) -> str:
    return event.id_of("peer") or ""


def _members(bridge: Row) -> list[str]:
    channels = bridge.get("channels")
    return [str(i) for i in channels] if isinstance(channels, list) else []
