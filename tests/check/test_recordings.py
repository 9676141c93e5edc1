"""Default rules find in undamaged recordings only what really went wrong there."""

from pathlib import Path

import pytest

from arirecord.check import run_rules
from arirecord.rules import read_rules
from arirecord.session.reader import open_session
from tests.conftest import Sessions, streams

SAMPLES = Path(__file__).parents[2] / "sample_data"
pytestmark = pytest.mark.slow

WRONG: dict[str, dict[str, str]] = {
    "busy_noanswer_cancel/all": {"unusual-cause": "calls to phones and numbers that do not exist"},
    "failed_calls": {"unusual-cause": "calls to phones and numbers that do not exist"},
    "edge_ws_drop/all_2": {"switch-clock": "events that Asterisk kept for 10 s while the client was away"},
    "hold_unhold/all": {"hold-without-unhold": "a holder hangs up"},
    "talk_and_hold": {"hold-without-unhold": "a holder hangs up"},
    "recording_playback/all": {"media-failed": "a sound that does not exist"},
    "recording_playback/app": {"media-failed": "a sound that does not exist"},
    "office_hour": {
        "transfer-in-vain": "a transfer to a phone that is not registered",
        "unusual-cause": "calls to a phone that is not registered",
    },
    "exchange/all": {
        "transfer-in-vain": "transfers to a busy phone, given up by the caller, and returned",
        "unusual-cause": "calls to phones and numbers that do not exist",
        "answered-but-alone": "FollowMe and Dial with G() answer without a bridge",
        "hold-without-unhold": "a holder hangs up",
        "dial-without-status": "Asterisk reports no end of a dial that was picked up or forwarded",
        "missing-leave": "Asterisk moves channels between bridges of a conference without events",
    },
    "trunks/all": {"unusual-cause": "a call to a number that does not exist"},
    "week": {
        "parts": "its days are recordings of their own",
        "unusual-cause": "calls to phones and numbers that do not exist",
        "hold-without-unhold": "a holder hangs up",
    },
    "peak_load": {
        "transfer-failed": "a transfer to an extension that does not exist",
        "transfer-in-vain": "transfers to a busy phone",
        "unusual-cause": "calls to phones and numbers that do not exist",
        "media-failed": "a sound that does not exist",
        "hold-without-unhold": "a holder hangs up",
    },
    # Of wider folders.
    "desk/all": {
        "transfer-in-vain": "transfers to busy, silent and unreachable phones, of which some return",
        "unusual-cause": "the cause of a queue that is full, and of a phone that cannot be reached",
        "answered-but-alone": "a called person answers a screening or an announcement, and refuses",
        "lonely-in-bridge": "a caller waits until Asterisk calls the transferer back",
        "hold-without-unhold": "a holder hangs up",
        "dial-without-status": "Asterisk reports no end of a dial that was picked up or forwarded",
    },
    "mixed_load/all": {
        "transfer-failed": "a transfer to an extension that does not exist",
        "transfer-in-vain": "transfers to a busy phone",
        "unusual-cause": "calls to phones and numbers that do not exist",
        "media-failed": "a sound that does not exist",
        "hold-without-unhold": "a holder hangs up",
    },
    "mixed_load/app": {
        "transfer-failed": "a transfer to an extension that does not exist",
        "unusual-cause": "calls to phones and numbers that do not exist",
        "media-failed": "a sound that does not exist",
    },
    "new_kinds/all": {
        "unusual-cause": "a Local channel of which nobody answers, and one that ends in congestion",
        "answered-but-alone": "a called person answers a screening, and refuses",
        "lonely-in-bridge": "a caller waits until Asterisk calls the transferer back",
    },
    "voice_audiosocket/all": {"missing-end": "it is cut out of a longer recording, during two calls"},
}
"""What is really wrong in a recording, by rule."""
RECORDINGS = [*streams(), *sorted(path.stem for path in SAMPLES.glob("*.parquet")), "week"]


@pytest.mark.parametrize("name", RECORDINGS)
def test_undamaged_recordings(name: str, sessions: Sessions) -> None:
    """Errors and warnings; notes are harmless."""
    path = sessions[name] if "/" in name else SAMPLES / (name if name == "week" else f"{name}.parquet")

    results = run_rules(open_session(path), read_rules()).results

    assert {each.rule.id for each in results if each.severity in ("error", "warning")} == WRONG.get(name, {}).keys()
    assert {each.rule.id for each in results if each.severity == "error"} == set()
