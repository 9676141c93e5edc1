"""Roles of channels by the state in which they begin (`ast_state2str` in channel.c has all states)."""

__all__ = ["INCOMING_STATES", "OUTGOING_STATES", "RESERVED_STATES", "RINGING_STATES"]

INCOMING_STATES = ("Ring", "Pre-ring")
"""A caller's channel begins so. `Pre-ring`: an analog line waits for its caller id (sig_analog.c)."""

OUTGOING_STATES = ("Down", "Dialing", "Ringing", "Busy")
"""A called channel begins so."""

RESERVED_STATES = ("Rsrvd", "OffHook", "Dialing Offhook")
"""A line that DAHDI reserves for a call to it, and also for a phone that is lifted (sig_analog.c, sig_pri.c)."""

RINGING_STATES = ("Ring", "Ringing")
"""The far end calls, or rings."""
