"""Build the story of a call from its facts."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path

import duckdb

from arirecord.analytics import connect
from arirecord.asterisk.channel_names import endpoint_of
from arirecord.select.zones import find_zone, local_time
from arirecord.session.reader import SessionFile

from .call_data import MODELS, Event, EventContext, Facts, Row, is_detail, read_facts
from .event_text import moment_of
from .fold_lanes import fold_variables
from .intervals import intervals_of
from .linter_rules import SEVERITIES
from .story import Bridge, CallFinding, Evidence, LadderStep, Lane, Story
from .summary import summary
from .turn_lanes import spoken_turns

__all__ = ["story", "tell"]


def story(
    session: duckdb.DuckDBPyConnection | SessionFile | str | Path,
    call_id: str,
    *,
    details: bool = False,
    seq: int | None = None,
    timezone: str = "UTC",
    server: str | None = None,
) -> Story:
    """Build the story of the call `call_id`.

    `session` is a session, its path, or a connection by `arirecord.connect` that has all models or at least
    `call_data.MODELS`. `details` adds minor moments: steps of the dialplan, caller ids, variables that Asterisk sets
    itself. `seq` marks the moment of that row of the recording, and keeps it even if it is minor. `timezone` is the
    zone of `Story.facts["when"]`; a connection has its own. `server` is needed if several have a call with this id;
    None stands for the first of them.

    Raises `NoSuchCall`, and `NotASession`, `FileNotFoundError` and `ValueError` as `open_session` does.
    """
    if isinstance(session, duckdb.DuckDBPyConnection):
        connection = session
    else:
        connection = connect(session, models=MODELS, timezone=timezone)
    return tell(read_facts(connection, call_id, server), details=details, seq=seq)


def tell(facts: Facts, *, details: bool = False, seq: int | None = None) -> Story:
    """Build the story from these facts."""
    call, lanes, bridges = facts.call, _lanes(facts), _bridges(facts)
    moments, intervals = _moments(facts, bridges, details, seq), tuple(intervals_of(facts))
    ended_at = call["ended_at"] or max((event.at for event in facts.events), default=None)
    return Story(
        call_id=call["call_id"],
        title=_title(call, lanes),
        result=_result(call),
        started_at=call["started_at"],
        ended_at=ended_at,
        is_complete=call["is_complete"],
        summary=summary(facts, lanes, intervals),
        marked_seq=seq,
        facts=_header(call, lanes, find_zone(facts.timezone)),
        lanes=tuple(lanes.values()),
        bridges=tuple(bridges.values()),
        intervals=intervals,
        moments=moments,
        evidence=tuple(_evidence(facts)),
        findings=_findings(facts),
        turns=spoken_turns(facts.turns),
    )


def _lanes(facts: Facts) -> Mapping[str, Lane]:
    hangups = {row["channel_id"]: row for row in facts.hangups}
    ended = {event.channel_id: event.seq for event in reversed(facts.events) if event.type == "ChannelDestroyed"}
    caller_number = facts.call["caller_number"]
    lanes = {}
    for place, leg in enumerate(facts.legs):
        channel_id = leg["channel_id"]
        soft = hangups.get(channel_id, {}).get("is_soft")
        # An app that originates often gives the new channel the caller's number: it is not the called number.
        is_borrowed = leg["role"] == "called" and not leg["is_first"] and leg["caller_number"] == caller_number
        number = None if is_borrowed or leg["role"] in ("local", "helper") else leg["caller_number"]
        lanes[channel_id] = Lane(
            channel_id=channel_id,
            letter=_letter(place),
            label=number or _resource(leg["channel_name"] or channel_id),
            name=leg["channel_name"] or channel_id,
            role=leg["role"],
            number=number,
            created_at=leg["started_at"],
            answered_at=leg["answered_at"],
            is_answered=leg["is_answered"],
            ended_at=leg["ended_at"],
            first_seq=leg["first_seq"],
            ended_seq=ended.get(channel_id),
            ended_by=None if soft is None else "asterisk" if soft else "itself",
            hangup_cause=leg["hangup_cause"],
            hangup_cause_txt=leg["hangup_cause_txt"],
            tech_cause=leg["tech_cause"],
        )
    return lanes


def _letter(place: int) -> str:
    """A … Z, AA, AB …"""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _resource(name: str) -> str:
    """Return `u1002` for `PJSIP/u1002-0000006a`; a Local channel keeps its end (`;1` or `;2`)."""
    technology, slash, resource = endpoint_of(name).partition("/")
    end = name[-2:] if name[-2:] in (";1", ";2") and not resource.endswith(name[-2:]) else ""
    return (resource or technology) + end if slash else name


def _bridges(facts: Facts) -> Mapping[str, Bridge]:
    known: dict[str, Row] = {}
    for event in facts.events:
        for role in ("bridge", "bridge_from"):
            about = event.data.get(role)
            if isinstance(about, dict) and isinstance(about.get("id"), str):
                known.setdefault(about["id"], about)
    ours = {stay["bridge_id"] for stay in facts.stays}
    return {
        bridge_id: Bridge(bridge_id, f"bridge {number}", *(_word(about.get(name)) for name in _OF_BRIDGE))
        for number, (bridge_id, about) in enumerate(((i, a) for i, a in known.items() if i in ours), 1)
    }


_OF_BRIDGE = ("bridge_type", "technology", "bridge_class", "creator", "name")


def _word(value: object) -> str | None:
    return str(value) if value else None


def _moments(facts: Facts, bridges: Mapping[str, Bridge], details: bool, seq: int | None) -> tuple[LadderStep, ...]:
    context = EventContext(
        bridges=bridges,
        roles={leg["channel_id"]: leg["role"] for leg in facts.legs},
        dialled=frozenset(peer for e in facts.events if e.type == "Dial" and (peer := e.id_of("peer"))),
        in_stasis=frozenset(e.channel_id for e in facts.events if e.type == "StasisStart" and e.channel_id),
    )
    moments = []
    transfer_seqs = {row["seq"] for row in facts.transfers}
    for event in _in_the_call(facts):
        if event.seq in transfer_seqs and event.type in _FROM_MODELS:
            continue
        if details or event.seq == seq or not is_detail(event, context):
            moments.append(moment_of(event, context))
        context.remember(event)
    moments += [_transfer(row, bridges) for row in facts.transfers]
    return tuple(fold_variables(sorted(moments, key=lambda moment: moment.seq), seq))


_FROM_MODELS = ("BridgeAttendedTransfer", "BridgeBlindTransfer", "ChannelTransfer")


def _in_the_call(facts: Facts) -> Iterator[Event]:
    """Yield events up to the end of the call, and those of its bridges within 1 s after it."""
    call = facts.call
    ended_at = call["ended_at"] or facts.recording_ended_at
    for event in facts.events:
        is_after = event.seq > call["last_seq"] and (event.at - ended_at).total_seconds() < 1
        if call["first_seq"] <= event.seq <= call["last_seq"] or is_after:
            yield event


def _transfer(row: Row, bridges: Mapping[str, Bridge]) -> LadderStep:
    is_refer = row["destination_type"] == "refer"
    is_done = row["result"] == "Success" or row["is_inferred"] or (is_refer and row["result"] is None)
    target = row["target_number"] or row["target_channel_name"]
    if row["kind"] == "blind" or target is None:
        target = bridges[row["target"]].label if row["target"] in bridges else row["target"]
    result = row["result"] or ("not announced by Asterisk" if row["is_inferred"] else None)
    details = [target and f"to {target}", result, "external" if row["is_external"] else None, _outcome(row)]
    what = "asks the application to transfer" if is_refer else f"transfers ({row['kind']})"
    return LadderStep(
        seq=row["seq"],
        at=row["transferred_at"],
        kind="transfer",
        what=what if is_done else f"{what} in vain",
        label="transfer",
        actor=row["transferer_channel_name"] or "an unknown channel",
        channel_id=row["transferer_channel_id"],
        other_id=row["transferee_channel_id"],
        detail=", ".join(filter(None, details)),
        is_bad=not is_done,
    )


def _outcome(row: Row) -> str | None:
    """Describe the outcome of a transfer: `answered by 1003 after 0.307 s`."""
    outcome: str | None = row["outcome"]
    if outcome != "answered":
        return "into an application" if outcome == "application" else outcome
    by = row["final_number"] or row["final_channel_name"]
    after = f" after {row['answer_s']:.3f} s" if row["answer_s"] else ""
    return f"answered by {by}{after}" if by else f"answered{after}"


_REASONS = {
    "bridge": "were in one bridge at the same time",
    "conference": "were in one conference room at the same time",
    "transfer": "are named by one transfer",
    "pair": "are the two ends of one Local channel",
    "dial": "are named by one Dial",
    "forward": "were forwarded one to the other",
    "replace": "took one the other's place in an application",
    "originator": "were made one for the other by an application",
    "other_channel": "were made one for the other by an application",
    "linkedid": "have one linkedid",
}


def _evidence(facts: Facts) -> Iterator[Evidence]:
    ours = {leg["channel_id"] for leg in facts.legs}
    for link in facts.links:
        one, two, reason = link["channel_id"], link["other_channel_id"], link["reason"]
        if one in ours and two in ours:
            text = _REASONS.get(reason, str(reason))
            yield Evidence(one, two, reason, text, link["seq"], link["linked_at"], link["event_type"])


def _findings(facts: Facts) -> tuple[CallFinding, ...]:
    """Return the findings, the gravest first, then in the order of arrival."""
    rows = sorted(facts.findings, key=lambda row: SEVERITIES.index(row["severity"]))
    names = ("rule", "severity", "finding", "channel_id", "seq", "event_at", "fix")
    return tuple(CallFinding(*(row[name] for name in names)) for row in rows)


def _title(call: Row, lanes: Mapping[str, Lane]) -> str:
    first = lanes.get(call["first_channel_id"]) or next(iter(lanes.values()), None)
    caller = call["caller_number"] or (first.label if first else "unknown")
    dialled, reached = call["dialled_exten"], call["called_number"]
    if first and first.role == "called":
        dialled = reached if dialled in (None, "") else dialled
        return f"Asterisk calls {first.label}" + (f" and {dialled}" if dialled else "")
    title = f"{caller} → {dialled or reached or 'unknown'}"
    return title + (f" (reached {reached})" if reached and dialled and reached != dialled else "")


def _result(call: Row) -> str:
    if call["disposition"] is None:
        return "not ended in the recording" if call["ended_at"] is None else "outcome not recorded"
    return str(call["disposition"])


def _header(call: Row, lanes: Mapping[str, Lane], zone: tzinfo) -> Mapping[str, str]:
    """Return the figures of the header, in order, without those that are not known."""
    facts: dict[str, str] = {}
    started, answered, ended = call["started_at"], call["answered_at"], call["ended_at"]
    if started:
        until = f" to {_clock(ended, zone)[11:]}" if ended else ", end not recorded"
        length = f" ({call['duration_s']:.3f} s)" if call["duration_s"] is not None else ""
        facts["when"] = f"{_clock(started, zone)}{until} {zone}{length}"
    if call["caller_name"]:
        facts["caller"] = call["caller_name"]
    if answered and started:
        facts["answered"] = f"after {(answered - started).total_seconds():.3f} s"
    for name, key in (("talked", "talk_s"), ("held", "hold_s")):
        if call.get(key):
            facts[name] = f"{call[key]:.3f} s"
    facts["ended by"] = _ended_by(call, lanes)
    if call["transfer_count"]:
        facts["transfers"] = str(call["transfer_count"])
    count, legs = call["channel_count"], call["leg_count"]
    facts["channels"] = str(count) if legs == count else f"{count}, of which {legs} are parties'"
    return facts


def _ended_by(call: Row, lanes: Mapping[str, Lane]) -> str:
    lane, by = lanes.get(call["ended_by_channel_id"]), call["ended_by"]
    who = f"{lane.letter} ({lane.label}, {by})" if lane else {"asterisk": "Asterisk"}.get(by, by) or "not known"
    if call["hangup_cause"] is None:
        return who
    cause = " ".join(str(v) for v in (call["hangup_cause"], call["hangup_cause_txt"]) if v is not None)
    return f"{who}; the first channel ended with {cause}"


def _clock(at: datetime, zone: tzinfo) -> str:
    return local_time(at, zone).isoformat(" ", "milliseconds")
