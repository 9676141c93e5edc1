"""Rules of the linter, in order. The table `findings` applies them to all calls.

`error`: the recording contradicts itself or lost something. `warning`: the call went wrong. `note`: often harmless.
"""

from arirecord.rules import SEVERITIES, Severity, shipped_rules

__all__ = ["PROBLEMS", "RULES", "SEVERITIES"]

PROBLEMS: tuple[Severity, ...] = ("error", "warning")
"""A call has a problem if it has a finding of one of these severities."""

RULES = tuple(shipped_rules("linter"))
"""All rules. Problems that parties noticed come before gaps of the recording."""
