"""Mask keyed digits."""

import re
from typing import Any, Literal

from arirecord.asterisk.dialplan_apps import is_prompt
from arirecord.json_text import json_object

__all__ = ["MASK", "Dtmf", "DtmfMasker"]

Dtmf = Literal["keep", "mask", "mask-all"]
MASK = "X"
"""Replaces any key; no phone has it."""

_DIGIT = re.compile(r'("digit"\s*:\s*")((?:[^"\\]|\\.)*)(")')
_SENT = re.compile(r'((?:[?&]|\\?")dtmf(?:=|\\?"\s*:\s*\\?"))([0-9A-Da-d*#%]+)')
_TYPES = ('"PlaybackStarted"', '"ChannelDtmfReceived"', '"ChannelDialplan"', '"ChannelEnteredBridge"',
          '"ChannelLeftBridge"', '"ChannelDestroyed"', '"gap"', '"dtmf', "dtmf=")  # fmt: skip


class DtmfMasker:
    """Masks digits in frames, given in order.

    `mask`: digits from a channel outside bridges (they answer a prompt, which can be silent), and after a prompt
    (a playback to it or to its bridge, or a dialplan application) until it enters a bridge. `mask-all`: all. Both mask
    digits sent over REST. After a gap no channel is known to be in a bridge.
    """

    def __init__(self, mode: Dtmf) -> None:
        self.mode = mode
        self.restart()

    def restart(self) -> None:
        """Forget all frames."""
        self.masked_count = 0
        self._prompted: set[str] = set()
        self._bridge_of: dict[str, str] = {}

    def masked(self, raw: str, kind: str) -> str:
        """Return the frame with its digits masked as required."""
        if self.mode == "keep" or not any(name in raw for name in _TYPES):
            return raw
        if kind != "event":
            if '"gap"' in raw:
                self._bridge_of.clear()
            return _SENT.sub(_hidden, raw)
        if not (event := json_object(raw)):
            return raw
        if event.get("type") == "ChannelDtmfReceived":
            channel = _id(event, "channel")
            if self.mode == "mask-all" or channel in self._prompted or channel not in self._bridge_of:
                self.masked_count += 1
                return _DIGIT.sub(rf"\g<1>{MASK}\g<3>", raw)
            return raw
        self._follow(event)
        return _SENT.sub(_hidden, raw)

    def _follow(self, event: dict[str, Any]) -> None:
        event_type, channel, bridge = event.get("type"), _id(event, "channel"), _id(event, "bridge")
        if event_type == "PlaybackStarted":
            playback = event.get("playback")
            target = playback.get("target_uri") if isinstance(playback, dict) else None
            resource, _, name = target.partition(":") if isinstance(target, str) else ("", "", "")
            if resource == "channel":
                self._prompted.add(name)
            elif resource == "bridge":
                self._prompted |= {c for c, b in self._bridge_of.items() if b == name}
        elif event_type == "ChannelDialplan" and is_prompt(str(event.get("dialplan_app"))):
            self._prompted.add(channel)
        elif event_type == "ChannelEnteredBridge":
            self._bridge_of[channel] = bridge
            self._prompted.discard(channel)
        elif event_type in ("ChannelLeftBridge", "ChannelDestroyed"):
            self._bridge_of.pop(channel, None)
            if event_type == "ChannelDestroyed":
                self._prompted.discard(channel)


def _id(event: dict[str, Any], field: str) -> str:
    resource = event.get(field)
    return str(resource.get("id")) if isinstance(resource, dict) else ""


def _hidden(match: re.Match[str]) -> str:
    return match[1] + MASK * len(match[2])
