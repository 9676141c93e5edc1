"""Results of rules: what a recording violates, and which command shows it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from arirecord.rules import SEVERITIES, CheckRule, Severity

from .short_form import parse_short_form

__all__ = ["CheckResult", "RuleResult", "Status", "Violation"]

Status = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Violation:
    """One row that violates a rule: a sentence about it, the row by column, and the command that explains it."""

    severity: Severity
    message: str
    row: Mapping[str, Any]
    command: str


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule.

    violations: the first ones; `counts` has the number of all by severity.
    unknown_count: number of rows for which the rule is not known, because a value that it needs is NULL.
    """

    rule: CheckRule
    violations: Sequence[Violation] = ()
    counts: Mapping[Severity, int] = field(default_factory=dict)
    unknown_count: int = 0

    @property
    def status(self) -> Status:
        """`failed` with violations, `unknown` if some rows are unknown and none violates the rule, else `passed`."""
        if self.counts:
            return "failed"
        if self.unknown_count:
            return "failed" if self.rule.unknown_fails else "unknown"
        return "passed"

    @property
    def severity(self) -> Severity | None:
        """The gravest severity of the violations; None if the rule has not failed."""
        if self.status != "failed":
            return None
        return min(self.counts, key=SEVERITIES.index, default=self.rule.severity or "error")

    @property
    def count(self) -> int:
        """The number of violations."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class CheckResult:
    """The results of all rules for one session."""

    path: Path
    results: Sequence[RuleResult]

    def failed(self, severity: Severity = "error") -> Sequence[RuleResult]:
        """Return the rules that failed with this severity or a graver one."""
        gravest = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return [result for result in self.results if result.severity in gravest]

    @property
    def is_ok(self) -> bool:
        """True if no rule failed with severity `error`."""
        return not self.failed()

    def __str__(self) -> str:
        from .check_report import text_lines

        return "\n".join(text_lines(self))


def command_for(path: Path, rule: CheckRule, row: Mapping[str, Any]) -> str:
    """Return the command that explains a row: its call, its channel, its frame, or the whole recording."""
    session = shlex.quote(str(path))
    for column in ("call_id", "channel_id", "caller_channel_id", "transferer_channel_id"):
        if row.get(column):
            return f"arirecord explain {session} {shlex.quote(str(row[column]))}"
    for column in ("seq", "first_seq"):
        if row.get(column) is not None:
            return f"arirecord cat {session} --seq {row[column]}"
    if rule.sql is not None:
        return f"arirecord query {session} {shlex.quote(rule.sql)}"
    form = parse_short_form(rule.check or "")
    if form.table == "doctor":
        return f"arirecord doctor {session}"
    rows = f"FROM {form.table}" + (f" WHERE {form.where}" if form.where else "")
    return f"arirecord query {session} {shlex.quote(rows)}"
