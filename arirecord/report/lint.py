"""The linter: what looks wrong in a call. One small function for each rule; its name is the rule's.

A rule takes the call's facts and yields findings. `error`: the recording contradicts itself or lost something,
`warning`: the call went wrong, or somebody forgot something, `note`: worth knowing, often harmless.
"""

from collections.abc import Callable, Iterator

from . import rules_of_calls, rules_of_recording
from .facts import Facts
from .story import Finding

__all__ = ["RULES", "lint", "rule_names"]

Rule = Callable[[Facts], Iterator[Finding]]

RULES: tuple[Rule, ...] = (*rules_of_recording.RULES, *rules_of_calls.RULES)
_ORDER = ("error", "warning", "note")


def rule_names() -> tuple[str, ...]:
    """Names of all rules, as findings have them."""
    return tuple(name_of(rule) for rule in RULES)


def name_of(rule: Rule) -> str:
    """`missing_end` → `missing-end`."""
    return rule.__name__.replace("_", "-")


def lint(facts: Facts) -> Iterator[Finding]:
    """All findings about a call, the gravest first, then in the order of arrival."""
    found = [finding for rule in RULES for finding in rule(facts)]
    yield from sorted(found, key=lambda finding: (_ORDER.index(finding.severity), finding.seq or 0))
