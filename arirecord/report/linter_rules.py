"""Rules of the linter, in order. The table `findings` applies them to all calls.

`error`: the recording contradicts itself or lost something. `warning`: the call went wrong. `note`: often harmless.
"""

__all__ = ["PROBLEMS", "RULES", "SEVERITIES"]

SEVERITIES = ("error", "warning", "note")
PROBLEMS = ("error", "warning")
"""A call has a problem if it has a finding of one of these severities."""

RULES = (
    "transfer-failed",
    "transfer-in-vain",
    "unusual-cause",
    "answered-but-alone",
    "app-was-refused",
    "app-did-not-react",
    "media-failed",
    "lonely-in-bridge",
    "hold-without-unhold",
    "dial-without-status",
    "gap-in-call",
    "missing-end",
    "missing-leave",
    "event-after-end",
    "event-order",
    "bridge-left-behind",
    "missing-begin",
    "late-event",
)
"""All rules. Problems that parties noticed come before gaps of the recording."""
