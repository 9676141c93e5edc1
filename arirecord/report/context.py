"""What an event must be read against, and which events say little."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .call_data import Event
from .story import Bridge

__all__ = ["EventContext", "is_detail"]

_STEPS = (
    "", "appdial", "appdial2", "noop", "set", "mset", "execif", "gotoif", "goto", "gosub", "gosubif", "return",
    "verbose", "log", "exec", "macro", "while", "endwhile",
)  # fmt: skip
"""Dialplan applications that only steer the dialplan."""
_OWN_VARIABLES = (
    "ABANDONED", "ANSWEREDTIME", "ATTENDEDTRANSFER", "BLINDTRANSFER", "BRIDGEPEER", "BRIDGEPVTCALLID",
    "BRIDGE_FEATURES", "CHANLOCALSTATUS", "DIALEDPEER", "DIALEDTIME", "DIALSTATUS", "FORWARDERNAME", "HANGUPCAUSE",
    "PARK", "PLAYBACKSTATUS", "PROGRESSTIME", "QUEUE", "READSTATUS", "RINGTIME", "RTPAUDIOQOS", "RTPVIDEOQOS",
    "SIPCALLID", "SIPDOMAIN", "SIPREFER", "SIPTRANSFER", "STASISSTATUS", "TRANSFERERNAME", "UNICASTRTP", "__SIPREFER",
)  # fmt: skip
"""How the variables begin that Asterisk sets itself."""
_DETAILS = ("ChannelCallerId", "ChannelConnectedLine", "ChannelTalkingFinished", "ChannelTalkingStarted")


@dataclass
class EventContext:
    """What must be known beside the event: bridges by id, roles of channels, and what has been said already."""

    bridges: Mapping[str, Bridge]
    roles: Mapping[str, str | None]
    dialled: frozenset[str] = frozenset()
    in_stasis: frozenset[str] = frozenset()
    asked: set[str] = field(default_factory=set)
    holding: set[str] = field(default_factory=set)

    def remember(self, event: Event) -> None:
        """Note what later events must be read against."""
        if event.channel_id is None:
            return
        if event.type == "ChannelHangupRequest":
            self.asked.add(event.channel_id)
        elif event.type == "ChannelHold":
            self.holding.add(event.channel_id)
        elif event.type == "ChannelUnhold":
            self.holding.discard(event.channel_id)

    def bridge(self, bridge_id: str | None) -> Bridge:
        """The bridge, or one without a number for one that is not the call's."""
        return self.bridges.get(bridge_id or "") or Bridge(bridge_id or "", f"bridge {bridge_id}")


def is_detail(event: Event, book: EventContext) -> bool:
    """Whether the event says little to whoever wants to know what happened in the call."""
    if event.type in _DETAILS:
        return True
    if event.type == "ChannelVarset":
        return event.channel_id is None or str(event.data.get("variable")).startswith(_OWN_VARIABLES)
    if event.type == "ChannelDialplan":
        app = str(event.data.get("dialplan_app", "")).lower()
        return app in _STEPS or (app == "stasis" and event.channel_id in book.in_stasis)
    if event.type in ("BridgeCreated", "BridgeDestroyed"):
        return book.bridge(event.bridge_id).bridge_class == "basic"
    if event.type == "ChannelHangupRequest":
        # Asterisk passes a request on to itself: who asked first asked.
        return event.data.get("soft") is True and event.channel_id in book.asked
    if event.type in ("ChannelCreated", "ChannelStateChange") and event.channel_id in book.dialled:
        # The dial says the same.
        return event.part("channel").get("state") in ("Down", "Ringing", "Up")
    return False
