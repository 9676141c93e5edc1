"""Filter: what is kept is as it was, and nothing that was asked for is missing."""

import json
from pathlib import Path

import pytest

import arirecord
from arirecord.errors import ArirecordError, TargetExists
from arirecord.session.reader import open_session
from arirecord.session.rewrite import read_rows
from arirecord.transform.filter import Selection, filter_session
from tests.conftest import Sessions

from .support import START_NS, frames_of, write

pytestmark = pytest.mark.slow

MARTS = ("calls", "legs", "talk", "transfers")
SECOND = 1_000_000_000


def filtered(source: Path, selection: Selection) -> Path:
    target = source.with_name("filtered.parquet")
    filter_session(open_session(source), selection, target, force=True)
    return target


def test_a_call_measures_as_before(sessions: Sessions) -> None:
    """Its row in every mart of calls, legs and talk is the same, and no other call is there."""
    source = sessions["attended_transfer/all"]
    with arirecord.connect(source, models=MARTS) as db:
        (call, caller) = db.sql("SELECT call_id, caller_number FROM calls ORDER BY duration_s DESC LIMIT 1").fetchall()[
            0
        ]
        before = {m: told(db, m, f"WHERE call_id = '{call}'") for m in MARTS}
    target = filtered(source, Selection(calls=(call,)))
    with arirecord.connect(target, models=MARTS) as db:
        assert {m: told(db, m, "") for m in MARTS} == before

    frames = {(f.t_ns, f.raw) for f in open_session(source).frames()}
    kept = [(f.t_ns, f.raw) for f in open_session(target).frames()]
    assert set(kept) <= frames and 50 < len(kept) < len(frames)
    header = open_session(target).header
    assert header.source["verb"] == "filter"
    assert header.source["filter"] == {"calls": [call]}
    assert header.source["sources"][0]["events"] == len(frames)
    assert caller


def told(db: "object", mart: str, where: str) -> list[str]:
    query = f"SELECT COLUMNS(lambda c: NOT contains(c, 'seq')) FROM {mart} {where}"
    return sorted(map(str, db.sql(query).fetchall()))  # type: ignore[attr-defined]  # a DuckDB connection


def test_by_time_type_and_application(sessions: Sessions) -> None:
    """Each option alone, and together; what is cut by time adds up to the whole."""
    source = sessions["ivr_dtmf/all"]
    session = open_session(source)
    middle_ns = session.header.started_ns + session.header.duration_ns // 2
    early, late = (
        open_session(filtered(source, selection)).header.events
        for selection in (Selection(until_ns=middle_ns), Selection(since_ns=middle_ns))
    )
    only = open_session(filtered(source, Selection(types=("Dial", "ChannelDtmfReceived"), exclude=("Dial",))))

    assert early + late == session.header.events
    assert only.header.types == {"ChannelDtmfReceived": session.header.types["ChannelDtmfReceived"]}
    assert open_session(filtered(source, Selection(applications=("recorder",)))).header.events == session.header.events


CALLS_WITH_1003 = """
    SELECT count(DISTINCT call_id) FROM legs WHERE call_id IN (
        SELECT legs.call_id FROM legs JOIN channels AS c USING (channel_id) WHERE '1003' IN (
            c.caller_number, c.last_caller_number, c.connected_number, c.last_connected_number, c.exten, c.last_exten
        )
    )
"""


def test_by_number_and_channel(sessions: Sessions) -> None:
    """A number gives whole calls; a channel gives what names it."""
    source = sessions["blind_transfer/all"]
    with arirecord.connect(source, models=["legs", "channels"]) as db:
        expected = db.sql(CALLS_WITH_1003).fetchall()
        channel = db.sql("SELECT channel_id FROM channels ORDER BY first_seq LIMIT 1").fetchall()[0][0]
    with arirecord.connect(filtered(source, Selection(numbers=("1003",))), models=["calls"]) as db:
        assert db.sql("SELECT count(*) FROM calls").fetchall() == expected
    frames = list(open_session(filtered(source, Selection(channels=(channel,)))).frames())
    assert len(frames) > 10
    assert sum(channel not in f.raw for f in frames) == sum(
        '"channel"' not in f.raw for f in frames if channel not in f.raw
    )


def test_what_is_around_stays(tmp_path: Path) -> None:
    """Connections, marks and the recorder's snapshot; of an application's requests those about the call."""
    call = {
        "id": "1795474000.1",
        "name": "PJSIP/a-00000001",
        "state": "Ring",
        "creationtime": "2026-11-23T22:26:40.000+0000",
    }
    created = json.dumps({"type": "ChannelCreated", "timestamp": "2026-11-23T22:26:40.000+0000", "channel": call})
    other = created.replace("1795474000.1", "1795474000.2")
    rest = [
        ("rest", json.dumps({"type": "GET", "rest_by": by, "rest_uri": uri}))
        for by, uri in (
            ("recorder", "/channels"),
            ("app", "/channels/1795474000.1/answer"),
            ("app", "/channels/1795474000.2"),
        )
    ]
    rows: list[str | tuple[str, str]] = [
        ("connection", '{"type":"opened"}'),
        created,
        other,
        *rest,
        ("mark", '{"type":"mark","mark_text":"here"}'),
    ]
    target = filtered(write(tmp_path / "one.parquet", rows), Selection(calls=("1795474000.1",)))
    kept = list(read_rows(open_session(target)))

    assert [row.raw for row in kept] == [
        raw if isinstance(raw, str) else raw[1] for raw in rows if raw not in (other, rest[2])
    ]
    assert [row.elapsed_ns for row in kept] == [0, 10_000_000, 30_000_000, 40_000_000, 60_000_000]
    assert [row.seq for row in kept] == list(range(5))


def test_what_can_not_be(sessions: Sessions, tmp_path: Path) -> None:
    """No such call, nothing kept, an output that exists: said, and nothing is left behind."""
    session = open_session(sessions["ivr_dtmf/all"])
    for selection in (
        Selection(calls=("1.1",)),
        Selection(channels=("x",)),
        Selection(numbers=("99",)),
        Selection(types=("No",)),
    ):
        with pytest.raises(ArirecordError, match=r"has no|is selected"):
            filter_session(session, selection, tmp_path / "no.parquet")
    (tmp_path / "there.parquet").touch()
    with pytest.raises(TargetExists):
        filter_session(session, Selection(types=("Dial",)), tmp_path / "there.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["there.parquet"]


def test_a_gap_between_recordings_stays_one(tmp_path: Path) -> None:
    """A part of a folder has a row for it; where the part begins later, what is left out before it is a gap too."""
    frames = frames_of("ivr_dtmf/all")
    (tmp_path / "days").mkdir()
    write(tmp_path / "days" / "1.parquet", [("connection", '{"type":"opened"}'), *frames[:100]])
    write(tmp_path / "days" / "2.parquet", frames[100:], start_ns=START_NS + 3600 * SECOND)
    days = open_session(tmp_path / "days")
    filter_session(days, Selection(exclude=("Nothing",)), tmp_path / "all.parquet")
    since_ns = days.header.started_ns + SECOND // 2
    filter_session(days, Selection(since_ns=since_ns), tmp_path / "late.parquet")
    whole, late = open_session(tmp_path / "all.parquet"), open_session(tmp_path / "late.parquet")

    assert [gap.end_ns - gap.begin_ns for gap in whole.recorded_time.gaps] == [3599 * SECOND]
    assert whole.recorded_time.duration_ns == days.recorded_time.duration_ns
    assert late.header.gap_count == 2
    assert late.recorded_time.duration_ns == days.recorded_time.duration_ns - SECOND // 2
