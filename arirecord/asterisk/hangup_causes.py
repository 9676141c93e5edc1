"""Usual hangup causes (Q.850) and SIP statuses."""

__all__ = ["HARMLESS_CAUSES", "HARMLESS_SIP", "is_harmless"]

HARMLESS_CAUSES = (0, 16, 17, 18, 19, 21, 23, 26, 31)
"""Not set, normal clearing, busy, no user responding, no answer, rejected, redirected, answered elsewhere, normal."""

HARMLESS_SIP = (302, 487)
"""302 redirects the caller; 487 confirms that the caller gave up. Asterisk gives both an unusual cause, such as 127."""


def is_harmless(cause: int | None, tech_cause: int | None = None) -> bool:
    """Return whether a channel ended with a usual cause or SIP status. An unknown cause counts as usual."""
    return cause is None or cause in HARMLESS_CAUSES or tech_cause in HARMLESS_SIP
