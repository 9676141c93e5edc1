"""The KPIs, held against the same figures counted slowly, in plain Python, from the frames themselves."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from arirecord.analytics import connect
from arirecord.session.reader import open_session
from tests.conftest import streams

from .conftest import Connections

WHOLE = sorted(name for name in streams() if name.endswith("/all") and not name.startswith("trunks/"))
"""Recordings of one server: the three of `trunks` have equal ids."""
HELPERS = ("Announcer/", "CBAnn/", "CBRec/", "Message/", "MulticastRTP/", "Recorder/", "Snoop/", "Surrogate/")
MEDIA = ("AudioSocket/", "UnicastRTP/", "WebSocket/")
LOCAL = "Local/"
NO_TIME = datetime.max
SAMPLES = Path(__file__).parents[2] / "sample_data"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


@dataclass
class Channel:
    """What the frames say of one channel."""

    name: str
    started_at: datetime
    is_up: bool = False
    is_outgoing: bool = False
    ringing_at: datetime | None = None
    up_at: datetime | None = None
    ended_at: datetime | None = None
    requested_at: datetime | None = None
    cause: int | None = None
    tech_cause: int | None = None
    dials: list[tuple[datetime, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return self.name.rpartition("-")[0]


def read(path: Path, *, left_out: tuple[str, ...] = (LOCAL, *HELPERS, *MEDIA)) -> dict[str, Channel]:
    """Channels by id, without those whose names begin so."""
    channels: dict[str, Channel] = {}
    for frame in open_session(path).frames():
        event = json.loads(frame.raw)
        for role in ("channel", "caller", "peer", "forwarded"):
            shown = event.get(role)
            if not isinstance(shown, dict) or "id" not in shown:
                continue
            channel = channels.setdefault(shown["id"], Channel(shown["name"], at(shown["creationtime"])))
            channel.is_up |= shown["state"] == "Up"
            if role == "channel" and event["type"] in ("ChannelCreated", "ChannelStateChange"):
                if event["type"] == "ChannelCreated":
                    channel.started_at = at(event["timestamp"])
                    channel.is_outgoing = shown["state"] == "Down"
                elif shown["state"] == "Up":
                    channel.up_at = channel.up_at or at(event["timestamp"])
                if shown["state"] in ("Ring", "Ringing"):
                    channel.ringing_at = channel.ringing_at or at(event["timestamp"])
            if role == "channel" and event["type"] == "ChannelHangupRequest":
                channel.requested_at = channel.requested_at or at(event["timestamp"])
            if role == "channel" and event["type"] == "ChannelDestroyed" and channel.ended_at is None:
                channel.ended_at, channel.cause = at(event["timestamp"]), event["cause"]
                channel.tech_cause = event.get("tech_cause")
            if role == "peer":
                channel.dials.append((at(event["timestamp"]), event))
    return {i: c for i, c in channels.items() if not c.name.startswith(left_out)}


def recorded(path: Path) -> tuple[datetime, datetime]:
    """From when to when a stream was recorded, by Asterisk's clock: its first and last event set it right."""
    session = open_session(path)
    times = [(f.t_ns, json.loads(f.raw).get("timestamp")) for f in session.frames()]
    (first_ns, first), *_, (last_ns, last) = [(t_ns, at(text)) for t_ns, text in times if text]
    begin_ns = session.header.started_ns + session.header.first_elapsed_ns
    end_ns = begin_ns + session.header.duration_ns
    return (
        first - timedelta(microseconds=(first_ns - begin_ns) / 1000),
        last + timedelta(microseconds=(end_ns - last_ns) / 1000),
    )


def attempts(channels: Iterable[Channel]) -> list[dict[str, Any]]:
    """What became of each dialled channel."""
    found = []
    for channel in channels:
        begun = [t for t, event in channel.dials if not event["dialstatus"] and not event.get("forwarded")]
        if not begun:
            continue
        said = [(t, event["dialstatus"]) for t, event in channel.dials]
        ringing = next((t for t, status in said if status in ("RINGING", "PROGRESS")), channel.ringing_at)
        ends = [status for _, status in said if status not in ("", "RINGING", "PROGRESS", "PROCEEDING")]
        status = ends[-1] if ends else ""
        answered_at = channel.up_at or next((t for t, status in said if status == "ANSWER"), None)
        found.append(
            {
                "begun": begun[0],
                "settled": channel.is_up or channel.ended_at is not None or bool(ends),
                "answered": channel.is_up or status == "ANSWER",
                "status": status,
                "rang": ringing is not None,
                "cause": channel.cause,
                "sip": channel.tech_cause,
                "ended": channel.ended_at,
                "moved": any(event.get("forward") for _, event in channel.dials)
                or 300 <= (channel.tech_cause or 0) <= 399,
                "pdd": ringing and (ringing - begun[0]).total_seconds(),
                "up": answered_at and channel.ended_at and (channel.ended_at - answered_at).total_seconds(),
                "sdt": answered_at
                and channel.ended_at
                and ((channel.requested_at or channel.ended_at) - answered_at).total_seconds(),
            }
        )
    return found


def measures(tried: list[dict[str, Any]]) -> dict[str, Any]:
    """The measures of attempts, by their definitions."""
    settled = [a for a in tried if a["settled"]]
    seized = [a for a in settled if a["answered"] or a["sip"] or a["status"] != "CHANUNAVAIL"]
    stayed = [a for a in settled if not a["moved"]]
    ended = [a for a in settled if a["ended"]]
    completed = [a for a in ended if a["answered"] and a["cause"] == 16]

    def delivered(a: dict[str, Any]) -> bool:
        unanswered = a["status"] in ("NOANSWER", "CANCEL", "") or a["sip"] == 487
        return (
            a["answered"] or a["cause"] in (16, 17, 18, 19, 21) or a["status"] == "BUSY" or (a["rang"] and unanswered)
        )

    def effective(a: dict[str, Any]) -> bool:
        return a["answered"] or (a["sip"] in (480, 486, 600, 603) if a["sip"] else a["cause"] in (17, 18, 19, 21))

    def request_delay(a: dict[str, Any]) -> float | None:
        if a["rang"] or a["answered"] or not a["ended"] or a["status"] in ("CANCEL", ""):
            return a["pdd"]  # type: ignore[no-any-return]  # a dict of anything
        return (a["ended"] - a["begun"]).total_seconds()  # type: ignore[no-any-return]  # the same

    return {
        "attempt_count": len(tried),
        "seizure_count": len(seized),
        "answered_count": sum(a["answered"] for a in tried),
        "open_count": len(tried) - len(settled),
        "asr_ratio": ratio(sum(a["answered"] for a in tried), seized),
        "abr_ratio": ratio(sum(a["answered"] for a in tried), settled),
        "ner_ratio": ratio(sum(map(delivered, seized)), seized),
        "ccr_ratio": ratio(len(completed), ended),
        "acd_s": mean(a["up"] for a in tried if a["answered"]),
        "pdd_p50_s": quantile((a["pdd"] for a in tried), 0.5),
        "pdd_p95_s": quantile((a["pdd"] for a in tried), 0.95),
        "srd_p50_s": quantile(map(request_delay, tried), 0.5),
        "srd_p95_s": quantile(map(request_delay, tried), 0.95),
        "sdt_s": mean(a["sdt"] for a in tried if a["answered"]),
        "ser_ratio": ratio(sum(a["answered"] for a in stayed), stayed),
        "seer_ratio": ratio(sum(map(effective, stayed)), stayed),
        "isa_ratio": ratio(sum(a["sip"] in (408, 500, 503, 504) for a in settled), settled),
        "scr_ratio": ratio(len(completed), ended),
    }


def ratio(count: int, of: list[Any]) -> float | None:
    return count / len(of) if of else None


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def quantile(values: Iterable[float | None], q: float) -> float | None:
    """Between the two nearest ranks, in proportion."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    place = q * (len(known) - 1)
    low = int(place)
    return known[low] + (known[min(low + 1, len(known) - 1)] - known[low]) * (place - low)


def kpis(con: duckdb.DuckDBPyConnection, arguments: str = "") -> dict[Any, dict[str, Any]]:
    """Rows by bucket and group."""
    result = con.execute(f"FROM kpis({arguments})")
    names = [name for name, *_ in result.description or []]
    return {row[:2]: dict(zip(names, row, strict=True)) for row in result.fetchall()}


@pytest.mark.parametrize("stream", WHOLE, scope="session")
def test_attempts(stream: str, connections: Connections) -> None:
    """Of the whole, by endpoint and by ten seconds: what counting the frames gives."""
    channels = read(connections.sessions[stream])
    by_endpoint: dict[str | None, list[Channel]] = defaultdict(list)
    for channel in channels.values():
        by_endpoint[channel.endpoint].append(channel)
    by_time: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for attempt in attempts(channels.values()):
        begun = attempt["begun"]
        by_time[begun.replace(second=begun.second // 10 * 10, microsecond=0)].append(attempt)
    con = connections[stream]
    if (None, None) in kpis(con, "by := 'endpoint'"):
        by_endpoint[None] = []  # calls of Local ends alone: they have no endpoint, and no attempt

    assert_same(kpis(con), {(None, None): measures(attempts(channels.values()))})
    assert_same(
        kpis(con, "by := 'endpoint'"), {(None, name): measures(attempts(cs)) for name, cs in by_endpoint.items()}
    )
    assert_same(
        {key: row for key, row in kpis(con, "bucket := INTERVAL 10 SECOND").items() if row["attempt_count"]},
        {(bucket, None): measures(tried) for bucket, tried in by_time.items()},
    )


def assert_same(found: dict[Any, dict[str, Any]], expected: dict[Any, dict[str, Any]]) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert {name: found[key][name] for name in row} == {
            name: value if value is None else pytest.approx(value, abs=1e-6) for name, value in row.items()
        }, key


@pytest.mark.parametrize("stream", WHOLE, scope="session")
def test_traffic(stream: str, connections: Connections) -> None:
    """Calls at once, traffic and the busy hour are what walking from change to change gives."""
    con = connections[stream]
    if con.execute("SELECT count(*) FROM stg_gaps").fetchall() != [(0,)]:
        pytest.skip("what ends in a gap or at a restart is for a case of its own")
    first, last = recorded(connections.sessions[stream])
    call_of = dict(con.execute("SELECT channel_id, call_id FROM legs").fetchall())
    calls: dict[str, list[Channel]] = defaultdict(list)
    for channel_id, channel in read(connections.sessions[stream], left_out=(*HELPERS, *MEDIA)).items():
        calls[call_of[channel_id]].append(channel)
    # ChanIsAvail makes a channel, and hangs it up within milliseconds.
    probed = timedelta(milliseconds=100)
    for call_id, legs in list(calls.items()):
        if all(c.is_outgoing and not c.dials and c.ended_at and c.ended_at - c.started_at < probed for c in legs):
            del calls[call_id]
    for legs in calls.values():
        # Local ends stand for a call that has nothing else.
        legs[:] = [leg for leg in legs if not leg.name.startswith(LOCAL)] or legs
    begins = [max(min(c.started_at for c in legs), first) for legs in calls.values()]
    ends = [max(c.ended_at or max(last, c.started_at) for c in legs) for legs in calls.values()]
    ups = [
        max(min((c.up_at or c.started_at for c in legs if c.is_up), default=NO_TIME), first) for legs in calls.values()
    ]
    (row,) = kpis(con).values()

    peak = most_at_once(zip(begins, ends, strict=True))
    spans = [(up, end) for up, end in zip(ups, ends, strict=True) if up != NO_TIME]
    held = sum((end - up).total_seconds() for up, end in spans)
    length = (last - first).total_seconds()
    assert row["call_count"] == len(calls)
    assert row["concurrent_peak_count"] == peak
    assert row["recorded_s"] == pytest.approx(length, abs=0.003)  # cut to the millisecond at both ends
    assert row["erlangs"] == pytest.approx(held / length, rel=1e-4)
    hour = timedelta(hours=1)
    starts = [t for up, end in spans for t in (up, max(end - hour, first))]
    carried = [
        sum(max((min(end, s + hour) - max(up, s)).total_seconds(), 0) for up, end in spans) / 3600
        for s in sorted(set(starts))[:: max(len(starts) // 50, 1)]
    ]
    assert row["busy_hour_erlangs"] >= max(carried, default=0) - 1e-9
    assert row["busy_hour_erlangs"] <= held / 3600 + 1e-9
    assert con.execute("SELECT max(open_count) FROM concurrency").fetchall() == [(peak,)]
    assert con.execute("SELECT arg_max(open_count, changed_at) FROM concurrency").fetchall() == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize("stream", [name for name in WHOLE if name.split("/")[0] in ("mixed_load", "hold_unhold")])
def test_queues(stream: str, connections: Connections) -> None:
    """The figures of queues are what counting the waits gives, with the limits that are set."""
    con = connections[stream].cursor()
    waits = con.execute(
        "SELECT outcome, wait_s FROM queue_calls WHERE kind <> 'parking' AND entered_at IS NOT NULL"
    ).fetchall()
    con.execute("SET VARIABLE service_level_s = 3; SET VARIABLE short_abandon_s = 4")
    (row,) = kpis(con).values()
    answered = [wait for outcome, wait in waits if outcome == "answered"]
    abandoned = [wait for outcome, wait in waits if outcome == "abandoned"]
    short = [wait for wait in abandoned if wait < 4]
    over = [wait for outcome, wait in waits if outcome is not None]

    assert row["queue_entry_count"] == len(waits)
    assert row["short_abandon_count"] == len(short)
    assert row["service_level_1_ratio"] == ratio(sum(wait <= 3 for wait in answered), answered)
    assert row["service_level_2_ratio"] == ratio(sum(w <= 3 for w in answered + abandoned), answered + abandoned)
    assert row["abandon_ratio"] == ratio(len(abandoned) - len(short), [None] * (len(over) - len(short)))
    assert row["asa_s"] == (pytest.approx(mean(answered)) if answered else None)


def most_at_once(spans: Iterable[tuple[datetime, datetime]]) -> int:
    """Most spans that are open at one time."""
    changes = sorted([change for one, other in spans for change in ((other, -1), (one, 1))])
    most = count = 0
    for (moment, change), following in pairwise([*changes, (NO_TIME, 0)]):
        count += change
        if following[0] != moment:
            most = max(most, count)
    return most


@pytest.mark.slow
def test_no_row_is_joined_with_all_rows() -> None:
    """Joins with the row before are not planned as nested loops, which take time by the square of the calls.

    The aggregate `arg_max_null` in a plan is the second half of such a loop.
    """
    con = connect(open_session(SAMPLES / "transfers.parquet"), models=["kpis"])

    def plan() -> str:
        return str(con.execute("EXPLAIN FROM kpis").fetchall()[0][1])

    assert "arg_max_null" not in plan()
    con.execute("RESET asof_loop_join_threshold")
    assert "arg_max_null" in plan()
