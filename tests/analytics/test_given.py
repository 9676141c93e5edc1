"""The notation of given frames: a line says what happens, and the builder fills in the snapshots."""

import json
from typing import Any

import pytest

from tests.given import frames

CALL = """
    # Ann calls Bob.
    at 2026-11-28T10:00:00 with context=phones application=app
    0.000 a created PJSIP/1001-00000001 Ring 1001 → 1002
    0.100 b created PJSIP/1002-00000002 Down 1002
    0.100 a dials b with b.connected=1001
    2.000 b Up
    2.010 a runs Dial PJSIP/1002,20
    2.020 b enters x
    2.030 a enters x
    3.000 a sets NOTE 'two words'
    {"at": 4, "type": "BridgeBlindTransfer", "channel": "@b", "bridge": "@x", "exten": "300", "application": "-"}
    8.000 b destroyed 17 with tech_cause=486
"""


def built(text: str) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames("\n".join(line.strip() for line in text.splitlines()))]


def test_snapshots_follow_the_events() -> None:
    """A frame has the snapshots as of its line: states, steps, members of bridges, and what `with` sets."""
    events = built(CALL)
    created, _, dial, up, step, _, entered, varset, transfer, destroyed = events

    assert created["timestamp"] == "2026-11-28T10:00:00.000+0000"
    assert created["channel"]["caller"]["number"] == "1001"
    assert created["channel"]["dialplan"] == {
        "context": "phones", "exten": "1002", "priority": 1, "app_name": "", "app_data": "",
    }  # fmt: skip
    assert (dial["caller"]["id"], dial["peer"]["connected"]["number"], dial["dialstatus"]) == ("a", "1001", "")
    assert up["channel"]["state"] == "Up"
    assert step["channel"]["dialplan"]["app_name"] == "Dial"
    assert entered["bridge"]["channels"] == ["b", "a"]
    assert varset["value"] == "two words"
    assert (transfer["channel"]["state"], transfer["bridge"]["channels"]) == ("Up", ["b", "a"])
    assert (destroyed["cause_txt"], destroyed["tech_cause"]) == ("User busy", 486)
    assert [event.get("application") for event in events] == ["app"] * 8 + [None, "app"]


@pytest.mark.parametrize(
    ("line", "error"),
    [("1.000 a Up", "a is not known"), ("1.000 a shouts", "shouts"), ("soon a talks", "could not convert")],
)
def test_a_line_that_is_not_in_the_notation_is_refused(line: str, error: str) -> None:
    """Neither is a channel invented, nor a verb."""
    with pytest.raises((KeyError, ValueError), match=error):
        frames(line)
