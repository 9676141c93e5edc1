"""Hangup causes (Q.850): which of them are usual."""

__all__ = ["HARMLESS_CAUSES"]

HARMLESS_CAUSES = (0, 16, 17, 18, 19, 21, 23, 26, 31)
"""Not set, normal clearing, busy, no user responding, no answer, rejected, redirected, answered elsewhere, normal."""
