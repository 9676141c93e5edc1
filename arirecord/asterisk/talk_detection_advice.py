"""Talk detection (`TALK_DETECT`): why a time of speech is not known, and the setting that would give it."""

__all__ = ["ADVISED", "LONGEST_THRESHOLD_MS", "REMEDIES"]

ADVISED = "TALK_DETECT(set)=40,64"
"""A short silence threshold (40 ms) bounds errors of ends, a low talking threshold (64) those of beginnings."""

LONGEST_THRESHOLD_MS = 500
"""A longer silence threshold hides pauses in which others speak; the default of the parameter `turn_gap_ms`."""

_ON_A_SNOOP = f"set {ADVISED} on a Snoop (spy=in) of the leg"

REMEDIES = {
    "caller undetected": f"Set {ADVISED} on the caller's channel before the caller speaks.",
    "agent undetected": f"Set {ADVISED} on the media leg before it speaks, or on a Snoop (spy=in) of it.",
    "party undetected": f"Set {ADVISED} on every leg that can speak, before it does.",
    "no silence": f"The leg sends no audio in its pauses: send silence, or {_ON_A_SNOOP}.",
    "threshold": f"A silence threshold longer than a pause between turns hides turns: set {ADVISED}.",
    "start": f"Talk detection was set, or the leg joined, while it spoke: set {ADVISED} and bridge before speech.",
    "rate": f"A leg may have more than 8,000 samples a second: set {ADVISED}, which bounds the error, or put "
    "CHANNEL(audioreadformat) and CHANNEL(audionativeformat) into channelvars of ari.conf.",
    "paused": "Hold or mute began in the speech: do so between turns.",
    "hangup": "No end was reported before the leg ended: keep talk detection, and the leg, until the agent is silent.",
    "stopped": "Talk detection was removed or set again in the speech: set it once, before speech.",
    "clock": "The clock of Asterisk was set: let NTP slew it.",
    "not recorded": "Record without gaps, from before the call to after it.",
}
"""Remedies, by the reason in `turns.unknown_reason`."""
