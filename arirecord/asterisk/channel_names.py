"""Names of channels: `PJSIP/1001-0000002a` is a channel of the technology `PJSIP` and of the endpoint `PJSIP/1001`."""

import re

__all__ = ["CALLS", "HELPERS", "MEDIA", "SNOOP", "endpoint_of", "is_helper", "is_media", "snooped_id"]

HELPERS = (
    "Announcer", "Bogus", "CBAnn", "CBRec", "DAHDI/pseudo", "Message", "MulticastRTP", "OutgoingSpoolFailed",
    "Recorder", "Snoop", "Surrogate",
)  # fmt: skip
"""Channels that Asterisk makes for itself: they announce, record, listen, or stand for another channel."""

MEDIA = ("AudioSocket", "UnicastRTP", "WebSocket")
"""Channels that carry audio to and from a program: a voice bot, a transcription. ARI calls them external media."""

CALLS = (
    "ALSA", "Agent", "Bridge", "CAPI", "Console", "DAHDI", "Dongle", "Gtalk", "H323", "IAX2", "Jingle", "Khomp",
    "Local", "MGCP", "Mobile", "Motif", "NBS", "OOH323", "OSS", "PJSIP", "Phone", "Quectel", "SCCP", "SIP", "SS7",
    "Skinny", "Sofia", "Test", "USTM", "Vpb", "Zap", "mISDN",
)  # fmt: skip
"""Channels to phones and trunks: the technologies of Asterisk's channel drivers, and others that are known."""

SNOOP = r"^Snoop/(.+)-[0-9a-f]{8}$"
"""Name of a channel that listens to the channel whose id it contains (stasis/app.c, `snoop_determine_format`)."""


def endpoint_of(name: str) -> str:
    """Return the endpoint of a channel: its name up to the last dash, or a name without a dash."""
    return name.rpartition("-")[0] or name


def is_helper(name: str) -> bool:
    """Return whether Asterisk made the channel for itself."""
    return _is_one_of(name, HELPERS)


def is_media(name: str) -> bool:
    """Return whether the channel carries audio to and from a program."""
    return _is_one_of(name, MEDIA)


def snooped_id(name: str) -> str:
    """Return the id of the channel that a Snoop channel listens to; empty for another channel."""
    match = re.search(SNOOP, name)
    return match[1] if match else ""


def _is_one_of(name: str, prefixes: tuple[str, ...]) -> bool:
    """Return whether a name begins with one of `prefixes` and goes on with a slash, a dash, or not at all."""
    return re.match(rf"({'|'.join(prefixes)})([/-]|$)", name) is not None
