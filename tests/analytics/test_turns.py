"""Turns of voice agents, held against the audio: `agents/<recording>/truth.json` has what was sent, and when.

The recordings are of Asterisk 22 with TALK_DETECT(set)=200,128: bots over AudioSocket, external media and playbacks
that answer after 0.3, 0.7, 1.5 and 5 s, are interrupted twice, and hand over to a human. `caller` has the caller's
sentences from the first to the last packet, `heard_by_caller` the packets with sound that the caller received, in
seconds since the epoch; pauses up to 0.5 s belong to a sentence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson
import pytest

from arirecord.analytics import connect
from arirecord.asterisk.channel_names import is_helper, is_media
from tests.conftest import make_session, read_lines
from tests.given import frames as frames_of_text

from .test_cases import given

Sentences = Sequence[tuple[float, float]]

FOLDER = Path(__file__).parent / "agents"
SENDS_SILENCE = {"as_sil": (7, 2), "as_sil_mix": (5, 2), "rtp_sil": (7, 2)}
HEARD_THROUGH_A_SNOOP = {"as_none_snoop": (5, 2), "rtp_none_snoop": (5, 2)}
PLAYS = {"play_ch": (5, 2), "play_br": (5, 2), "play_br_lead": (5, 2)}
SENDS_NOTHING_IN_PAUSES = {**dict.fromkeys(("as_none", "as_burst", "rtp_none", "ws_burst"), (1, 0)), "ws_none": (3, 0)}
"""How many latencies and barge-ins are known, of 5 and 2, and of 7 and 2 with a human (whose 2 latencies are known)."""
KNOWN = SENDS_SILENCE | HEARD_THROUGH_A_SNOOP | PLAYS | SENDS_NOTHING_IN_PAUSES
LEAD_S = {"play_br_lead": 0.3}
"""Silence at the beginning of the sound file, which Asterisk does not report."""
TURNS = """
SELECT
    speaker, epoch_ms(started_at) / 1000 AS started_s, epoch_ms(ended_at) / 1000 AS ended_s, latency_s, barge_in_by,
    epoch_ms(barge_in_at) / 1000 AS barge_in_s, yield_s, unknown_reason, remedy
FROM turns WHERE call_id = ? ORDER BY started_at
"""


class Turn(NamedTuple):
    """A row of `turns`."""

    speaker: str
    started_s: float
    ended_s: float | None
    latency_s: float | None
    barge_in_by: str | None
    barge_in_s: float | None
    yield_s: float | None
    unknown_reason: str | None
    remedy: str | None


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[duckdb.DuckDBPyConnection, dict[str, Any]]]:
    """Connection and truth of each variant of a bot."""
    variants = {}
    for folder in sorted(FOLDER.iterdir()):
        session = make_session(folder / "events.jsonl.zst", tmp_path_factory.mktemp("agents") / "session.parquet")
        con = connect(session, models=["turns", "agent_calls", "kpis"])
        for name, call in orjson.loads((folder / "truth.json").read_bytes()).items():
            variants[name] = con, call
    return variants


@pytest.mark.slow
@pytest.mark.parametrize("variant", KNOWN)
def test_what_is_given_is_what_was_heard(variant: str, recordings: Any) -> None:
    """Each latency, barge-in and time to yield is within 60 ms of the audio, 70 ms with a third leg in the bridge."""
    con, call = recordings[variant]
    tolerance = 0.07 if variant == "as_sil_mix" else 0.06
    caller = call["caller"]
    others = [(start - LEAD_S.get(variant, 0), end) for start, end in call["heard_by_caller"]]
    turns = [Turn(*row) for row in con.execute(TURNS, [call["call_id"]]).fetchall()]
    for turn in turns:
        mine, theirs = (caller, others) if turn.speaker == "caller" else (others, caller)
        sentence = nearest(mine, turn.started_s)
        if turn.latency_s is not None:
            ends = [end for _, end in theirs if end <= sentence[0]]
            assert turn.latency_s == pytest.approx(sentence[0] - max(ends), abs=tolerance)
        if turn.barge_in_s is not None:
            onset, _ = nearest(theirs, turn.barge_in_s)
            (interrupted,) = [each for each in mine if each[0] < onset < each[1]]
            assert turn.barge_in_s == pytest.approx(onset, abs=tolerance)
            assert turn.yield_s == pytest.approx(interrupted[1] - onset, abs=tolerance)
    latencies = sum(turn.latency_s is not None for turn in turns)
    barge_ins = sum(turn.barge_in_by is not None for turn in turns)

    assert (latencies, barge_ins) == KNOWN[variant]


@pytest.mark.parametrize("variant", KNOWN)
def test_a_value_that_is_not_known_says_why_and_what_to_set(variant: str, recordings: Any) -> None:
    """Turns of a bot that sends nothing in pauses are not known; nor is silence while a leg is not heard."""
    con, call = recordings[variant]
    turns = [Turn(*row) for row in con.execute(TURNS, [call["call_id"]]).fetchall()]
    reasons = {turn.unknown_reason for turn in turns} - {None}

    if variant in SENDS_NOTHING_IN_PAUSES:
        assert reasons == {"no silence"}
        assert all(turn.unknown_reason for turn in turns if turn.ended_s is None)
    else:
        assert reasons == ({"party undetected"} if variant == "as_sil_mix" else set())
    assert all("TALK_DETECT(set)=40,64" in (turn.remedy or "") for turn in turns if turn.unknown_reason)


@pytest.mark.parametrize("variant", KNOWN)
def test_figures_of_a_call_are_of_all_its_answers_or_null(variant: str, recordings: Any) -> None:
    """A bot of which only the first answer is known has no percentiles; a human's part is a handover."""
    con, call = recordings[variant]
    columns = "latency_p50_s, latency_p95_s, answer_count, agent_interrupted_count, unanswered_count, is_contained"
    row = con.execute(f"SELECT {columns} FROM agent_calls WHERE call_id = ?", [call["call_id"]]).fetchone()
    p50_s, p95_s, answer_count, interrupted_count, unanswered_count, is_contained = row
    if variant in SENDS_NOTHING_IN_PAUSES:
        assert (p50_s, p95_s, answer_count, interrupted_count, unanswered_count) == (None, None, 1, None, None)
    else:
        assert (p50_s, p95_s) == pytest.approx((1.25, 4.3), abs=0.06)
        assert (answer_count, interrupted_count) == (5, 2)
        assert unanswered_count == (None if variant == "as_sil_mix" else 1)
    assert is_contained == (variant not in ("as_sil", "rtp_sil", "ws_none"))


@pytest.mark.slow
@pytest.mark.parametrize("recording", sorted(path.name for path in FOLDER.iterdir()))
def test_kpis_are_those_of_the_calls_without_media_legs(recording: str, tmp_path: Path) -> None:
    """Media legs and Snoops are not calls, attempts or traffic."""
    frames = [orjson.loads(line)["frame"] for line in read_lines(FOLDER / recording / "events.jsonl.zst")]
    events = [orjson.loads(frame) for frame in frames]
    aside = {
        event["channel"]["id"]
        for event in events
        if is_media(name := event.get("channel", {}).get("name", "")) or is_helper(name)
    }
    plain = [orjson.dumps(without(event, aside)).decode() for event in events]
    kpis = given(frames, tmp_path / "with.parquet", "kpis").execute("FROM kpis").fetchall()

    assert (recording == "playback") == (aside == set())
    assert kpis == given(plain, tmp_path / "without.parquet", "kpis").execute("FROM kpis").fetchall()


def concerned(event: dict[str, Any]) -> set[str]:
    """Return the ids of the channels that an event is about."""
    return {event[field]["id"] for field in ("channel", "peer", "caller") if isinstance(event.get(field), dict)}


def without(event: dict[str, Any], channel_ids: set[str]) -> dict[str, Any]:
    """Return an event whose bridge does not have some channels; one about these becomes one about no channel."""
    if concerned(event) & channel_ids:
        return {"type": "PeerStatusChange", "timestamp": event["timestamp"], "asterisk_id": event["asterisk_id"]}
    if "bridge" not in event:
        return event
    members = [each for each in event["bridge"]["channels"] if each not in channel_ids]
    return {**event, "bridge": {**event["bridge"], "channels": members}}


def nearest(sentences: Sentences, at_s: float) -> tuple[float, float]:
    """Return the sentence that begins nearest to a time."""
    return min(sentences, key=lambda sentence: abs(sentence[0] - at_s))


def test_a_named_endpoint_is_an_agent(tmp_path: Path) -> None:
    """`agent_endpoints` names a bot that is a telephone for Asterisk; without it the call has no agent."""
    text = """
0.000 a created PJSIP/1001-00000001 Ring 1001 → 7000
0.000 a Up
0.100 b created PJSIP/bot-00000002 Down 7000
0.100 a dials b
0.200 b Up
0.200 a dials b ANSWER
0.300 b enters x
0.300 a enters x
1.000 a talks
2.040 a falls silent 1000
2.600 b talks
3.640 b falls silent 1000
"""
    con = given(frames_of_text(text), tmp_path / "session.parquet", "turns")
    query = "SELECT speaker, latency_s FROM turns ORDER BY started_at"

    assert con.execute(query).fetchall() == []
    con.execute("SET VARIABLE agent_endpoints = 'PJSIP/bot*'")
    assert con.execute(query).fetchall() == [("caller", None), ("agent", 0.6)]
