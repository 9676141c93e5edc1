"""Each rule finds what it is for, and a call that goes as it should has no findings."""

import pytest

from arirecord.report.linter_rules import RULES
from arirecord.report.story import Story

from .conftest import Tell
from .frames import (
    Row,
    about,
    begun,
    bridge,
    channel,
    dial,
    ended,
    entered,
    event,
    finished,
    gap,
    left,
    rest,
)  # fmt: skip


def rules(story: Story) -> set[str]:
    """Names of the rules that found something."""
    return {finding.rule for finding in story.findings}


def stasis(seconds: float) -> Row:
    """1001 comes into the application."""
    return about(seconds, "StasisStart", "1001", "Ring", args=[])


BAD: dict[str, list[Row]] = {
    "gap-in-call": [*begun(), gap(2), *finished()],
    "event-order": [about(0, "ChannelStateChange", "1001", "Up"), *begun(), *finished()],
    "event-after-end": [*begun(), *finished(), about(9.5, "ChannelHold", "1001")],
    "missing-begin": [*begun()[1:], *finished()],
    "missing-end": [*begun(), *finished()[:-1]],
    "missing-leave": [*begun(), *finished()[:2], *finished()[3:]],
    "late-event": [*begun(), (int(15e9), "event", about(2, "ChannelHold", "1001")[2]),
                   (int(15e9), "event", about(3, "ChannelUnhold", "1001")[2]), *finished(16)],
    "dial-without-status": [r for r in begun() if r[2].get("dialstatus") != "ANSWER"] + finished(),
    "answered-but-alone": [r for r in begun() if r[2]["type"] != "ChannelEnteredBridge"] + finished()[3:],
    "lonely-in-bridge": [*begun(), left(2, "1001", ["1002"]), ended(2.1, "1001"), left(9, "1002", []),
                         ended(9, "1002")],
    "hold-without-unhold": [*begun(), about(2, "ChannelHold", "1001"), *finished()],
    "transfer-failed": [*begun(), about(2, "BridgeBlindTransfer", "1001", exten="4711", context="rig", result="Fail",
                                        is_external=True, transferee=channel("1002")), *finished()],
    "transfer-in-vain": [
        *begun(), about(2, "BridgeBlindTransfer", "1001", exten="4711", context="rig", result="Success",
                        is_external=True, transferee=channel("1002")),
        *(event(2 + n, "Dial", dialstatus=status, dialstring="", forward="", caller=channel("1002"),
                peer=channel("4711", "Down")) for n, status in enumerate(["", "BUSY"], 1)),
        ended(4.1, "4711", 17, "User busy"), *finished(),
    ],
    "unusual-cause": [*begun(), *finished()[:-1], ended(9.3, "1002", 41, "Temporary failure")],
    "app-did-not-react": [*begun()[:1], stasis(0.1), *begun()[1:], *finished(), rest(9.9, "DELETE", "/ari/bridges/b1")],
    "app-was-refused": [*begun(), rest(3, "POST", "/ari/channels/1001/mute", 409), *finished()],
    "media-failed": [*begun(), event(3, "PlaybackFinished", playback={"id": "p", "media_uri": "sound:no",
                                     "target_uri": "channel:1001", "state": "failed", "language": "en"}), *finished()],
    "bridge-left-behind": [
        event(0, "BridgeCreated", bridge=bridge([], "b2", bridge_class="stasis")),
        about(0, "ChannelCreated", "1001", "Ring"),
        event(0, "BridgeCreated", bridge=bridge([], "b1", bridge_class="stasis")),
        entered(1, "1001", ["1001"], bridge_class="stasis"), left(2, "1001", [], bridge_class="stasis"),
        ended(3, "1001"), about(20, "ChannelCreated", "other", "Ring"),
    ],
}  # fmt: skip


def test_a_call_that_goes_as_it_should_has_no_findings(tell: Tell) -> None:
    """Whatever happens in it that is no fault."""
    held = [about(2, "ChannelHold", "1001"), about(3, "ChannelUnhold", "1001")]

    assert rules(tell([*begun(), *held, *finished()])) == set()


@pytest.mark.slow
def test_a_tapped_call_whose_app_reacts_has_no_findings(tell: Tell) -> None:
    """Its REST calls are in the story."""
    rows = [*begun()[:1], stasis(0.05), rest(0.06, "POST", "/ari/channels/1001/ring"), *begun()[1:], *finished()]
    story = tell(rows)

    assert rules(story) == set()
    assert [moment.detail for moment in story.moments if moment.kind == "rest"] == ["204, 2 ms"]


@pytest.mark.parametrize("rule", BAD)
def test_a_rule_finds_what_it_is_for(rule: str, tell: Tell) -> None:
    """And says where."""
    story = tell(BAD[rule])
    (finding, *_) = [finding for finding in story.findings if finding.rule == rule]

    assert finding.seq is not None
    assert finding.text
    assert finding.channel_id is None or story.lane_of(finding.channel_id)


def test_every_rule_is_tested() -> None:
    """By a recording that breaks it."""
    assert BAD.keys() == set(RULES)


NO_FAULT: dict[str, list[Row]] = {
    "ends in a subroutine of Dial": [*begun(), *finished(), about(9.3, "ChannelDialplan", "1002",
                                     dialplan_app="AppDial", dialplan_app_data="(Outgoing Line)")],
    "alone for a moment": [*begun(), left(2, "1001", ["1002"]), ended(2.1, "1001"), left(3, "1002", []),
                           ended(3, "1002")],
    "busy": [*begun()[:3], dial(1, "BUSY"), ended(1.1, "1002", 17, "User busy"), ended(1.2, "1001", 17, "User busy")],
    "late caller id": [*begun(), *finished(), about(9.4, "ChannelCallerId", "1001")],
    "cut off by the end": [*begun(), *finished()[:1], event(9.05, "PlaybackFinished", playback={
        "id": "p", "media_uri": "sound:long", "state": "failed", "target_uri": "channel:1001"}), *finished()[1:]],
}  # fmt: skip


@pytest.mark.parametrize("what", NO_FAULT)
def test_what_is_no_fault_is_none(what: str, tell: Tell) -> None:
    """What looks like a fault and is none."""
    assert rules(tell(NO_FAULT[what])) == set()


@pytest.mark.slow
def test_a_call_that_still_goes_on_is_only_noted(tell: Tell) -> None:
    """The end of a recording is no fault of the call."""
    story = tell(begun())

    assert {(f.rule, f.severity) for f in story.findings} == {("missing-end", "note")}
    assert story.result == "ANSWERED"
    assert not story.is_complete
