"""The marts say what was done in the recorded scenarios: menus, sounds, registrations, events, visits."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from arirecord.analytics import connect
from tests.conftest import Sessions, has_truth, streams, truth

from .agreement import at

pytestmark = pytest.mark.slow

Ask = Callable[[str, str, str], list[Any]]


@pytest.fixture
def ask(sessions: Sessions) -> Ask:
    """`ask(stream, mart, query)` are the rows of a query to one mart of a recorded stream."""
    return lambda stream, mart, query: connect(sessions[stream], models=[mart]).execute(query).fetchall()


@pytest.mark.parametrize("stream", ["ivr_dtmf/all", "ivr_dtmf/app"])
def test_digits_of_the_app(stream: str, ask: Ask) -> None:
    """Four callers gave digits to the app, which kept them in IVR_DIGITS; each cut the prompt short."""
    rows = ask(
        stream,
        "dtmf",
        "SELECT digits, prompt, is_barge_in, outcome, collected_in FROM dtmf "
        "WHERE prompt LIKE 'sound:%' ORDER BY first_seq",
    )

    assert [row[0] for row in rows] == ["12#", "1001", "5*0#A", "1234#"]
    assert {row[1:] for row in rows} == {("sound:demo-instruct", True, "collected", "IVR_DIGITS")}


def test_sequences_by_prompt(sessions: Sessions) -> None:
    """By prompt, what comes after the app has begun to read the digits back stands alone."""
    con = connect(sessions["ivr_dtmf/all"], models=["dtmf"])
    con.execute("SET VARIABLE dtmf_sequences = 'prompt'")

    rows = con.execute("SELECT digits, prompt FROM dtmf ORDER BY first_seq").fetchall()

    assert [row[0] for row in rows] == ["12#", "1001", "5*0#", "A", "987", "1234", "#"]
    assert [row[1] for row in rows if row[0] in "A#"] == ["digits:5*0", "digits:1234"]


def test_digits_are_as_long_as_they_were_sent(ask: Ask) -> None:
    """SIP INFO said 160 and 240 ms, RFC 4733 lasted 100 ms, and the dialplan's SendDTMF was asked for 120."""
    rows = ask(
        "ivr_dtmf/all",
        "digits",
        "SELECT string_agg(digit, '' ORDER BY seq), list_sort(list(DISTINCT duration_ms)) "
        "FROM digits GROUP BY channel_id",
    )

    assert sorted(rows) == [("1001", [100]), ("12#", [100]), ("1234#", [120]), ("5*0#A", [160, 240]), ("987", [100])]


def test_read_of_the_dialplan(ask: Ask) -> None:
    """Read() waited for a fourth digit until its time was over."""
    rows = ask("ivr_dtmf/all", "dtmf", "SELECT digits, outcome, collected_in FROM dtmf WHERE prompt LIKE 'Read(%'")

    assert rows == [("987", "timeout", "DIGITS")]


def test_menus_step_by_step(ask: Ask) -> None:
    """Each caller's way: what was played, what was given, how it ended, and that times add up."""
    rows = ask(
        "ivr_dtmf/all",
        "ivr_paths",
        "SELECT list((prompt, digits) ORDER BY step), arg_max(exit_reason, step), sum(step_s), "
        "epoch_ms(max(ended_at) - min(started_at)) / 1000 FROM ivr_paths GROUP BY channel_id ORDER BY min(first_seq)",
    )

    menu = "sound:demo-instruct"
    assert [(way, how) for way, how, *_ in rows] == [
        ([(menu, "12#"), ("digits:12", None), ("sound:vm-goodbye", None)], "ended"),
        ([(menu, "1001"), ("digits:1001", None)], "connected"),
        ([(menu, None), ("sound:vm-goodbye", None)], "ended"),
        ([(menu, "5*0#"), ("digits:5*0", "A")], "hung_up"),
        ([("Read(DIGITS,beep,4,,1,5)", "987")], "ended"),
        ([(menu, "1234"), ("digits:1234", "#")], "hung_up"),
    ]
    assert [total for *_, total, _ in rows] == [pytest.approx(span) for *_, span in rows]


@pytest.mark.parametrize("stream", ["recording_playback/all", "recording_playback/app"])
def test_recordings_and_playbacks(stream: str, ask: Ask) -> None:
    """Recorded, cancelled, not writable, hung up amid it; a list of sounds, one begun again, one that is not there."""
    recordings = ask(stream, "recordings", "SELECT state, recorded_s, talking_s FROM recordings ORDER BY first_seq")
    playbacks = ask(stream, "playbacks", "SELECT media_uris, restart_count, state FROM playbacks ORDER BY first_seq")

    assert recordings == [("done", 1, None), ("done", 0, None), ("done", 0, None), ("done", 0, 0)]
    assert [(len(media), restarts, state) for media, restarts, state in playbacks] == [
        (1, 0, "done"),
        (3, 0, "done"),
        (1, 1, "done"),
        (1, 0, "failed"),
        (1, 0, "done"),
        (1, 0, "failed"),
        (1, 0, "failed"),
    ]
    assert ask(stream, "playbacks", "FROM playbacks WHERE NOT is_complete OR call_id <> channel_id") == []


def test_registrations(ask: Ask) -> None:
    """Three telephones came; one was lost and came back; all are gone in the end. Each was asked once and answered."""
    rows = ask(
        "registrations_devicestate/all",
        "registrations",
        "SELECT endpoint, list(status ORDER BY first_seq), sum(qualify_count), max(qualify_ms) < 1 "
        "FROM registrations WHERE contact_uri IS NOT NULL GROUP BY endpoint ORDER BY endpoint",
    )

    came, gone = ["NonQualified", "Reachable"], ["Removed"]
    assert rows == [
        ("reg1", came + gone, 1, True),
        ("reg2", came + gone, 1, True),
        ("reg3", [*came, "Unreachable", "Reachable", *gone], 2, True),
    ]


def test_device_states(ask: Ask) -> None:
    """The app switched a lamp through six states, a tenth of a second each."""
    rows = ask(
        "registrations_devicestate/all",
        "device_states",
        "SELECT state, duration_s FROM device_states WHERE device = 'Stasis:lamp' ORDER BY first_seq",
    )

    assert [state for state, _ in rows] == ["INUSE", "RINGING", "NOT_INUSE", "BUSY", "UNAVAILABLE", "ONHOLD"]
    assert [length for _, length in rows] == [*[pytest.approx(0.1, abs=0.01)] * 5, None]


def test_user_events(ask: Ask) -> None:
    """What the app sent itself is on its own socket only, what the dialplan sent on a recording of all channels."""
    query = "SELECT eventname, userevent, channel_id IS NOT NULL, endpoint FROM user_events ORDER BY seq"
    app = ask("userevents_textmessage/app", "user_events", query)
    everybody = ask("userevents_textmessage/all", "user_events", query)

    assert [row[0] for row in app] == ["order.created", "multi", "nosource", "novars", "tick"]
    assert '"nested":{"a":[1,2.5,null,true]}' in app[0][1]
    assert app[1][2:] == (True, "PJSIP/u1001")
    assert [row[0] for row in everybody] == ["FromDialplan", "tick"]


WHOLE = sorted({name.partition("/")[0] for name in streams() if name.endswith("/all") and has_truth(name)})
CLOSE = timedelta(milliseconds=20)
"""StasisEnd and the event log's APP_END are two moments of one leaving."""


@pytest.mark.parametrize("scenario", WHOLE)
def test_visits_are_those_of_the_event_log(scenario: str, ask: Ask) -> None:
    """The variable STASISSTATUS knows every visit of an application in Asterisk's event log, from when and until when.

    Two channels were transferred: of the one the entry, of the other a second, empty visit leaves no trace.
    """
    theirs: dict[str, list[Any]] = defaultdict(list)
    for row in truth(scenario, "cel"):
        if row["eventtype"] in ("APP_START", "APP_END") and row["appname"] in ("Stasis", "StasisBroadcast"):
            theirs[str(row["uniqueid"])].append(at(row))
    ours: dict[str, list[Any]] = defaultdict(list)
    query = "SELECT channel_id, entered_at, left_at FROM app_visits ORDER BY first_seq"
    for channel_id, *times in ask(f"{scenario}/all", "app_visits", query):
        ours[channel_id] += times

    for channel_id, times in theirs.items():
        assert len(ours[channel_id]) == len(times)
        assert [a for a, b in zip(ours[channel_id], times, strict=True) if a is not None and abs(a - b) > CLOSE] == []
    unknown = [channel_id for channel_id in theirs if None in ours[channel_id]]
    assert len(unknown) == {"attended_transfer": 1, "blind_transfer": 1, "linkedid_attended_transfer": 1}.get(
        scenario, 0
    )


@pytest.mark.parametrize("scenario", WHOLE)
def test_the_app_knows_of_its_visits(scenario: str, ask: Ask) -> None:
    """What its own socket told an application agrees with what a recording of all channels concludes."""
    if f"{scenario}/app" not in streams() or scenario in ("edge_restart", "edge_ws_drop"):
        pytest.skip("no two recordings of one time")
    query = "SELECT channel_id, entered_at, left_at FROM app_visits WHERE args[1] <> 'move' AND is_complete"
    everybody = {
        row[0]: row[1:] for row in ask(f"{scenario}/all", "app_visits", query.replace("args", "COALESCE(args, [''])"))
    }
    app = {row[0]: row[1:] for row in ask(f"{scenario}/app", "app_visits", query)}

    for channel_id, times in app.items():
        assert max(abs(a - b) for a, b in zip(everybody[channel_id], times, strict=True)) <= CLOSE
