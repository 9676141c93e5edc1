"""Results of rules as text, JSON, JUnit XML and annotations of GitHub Actions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from arirecord.ci_results import JUnitCase, JUnitSuite, github_annotation, write_suites
from arirecord.rules import SEVERITIES, Severity

from .check_result import CheckResult, RuleResult, Violation

__all__ = ["annotations", "as_json", "text_lines", "write_check_junit"]

_SHOWN = 5
_LEVELS: dict[Severity, Literal["error", "warning", "notice"]] = {
    "error": "error", "warning": "warning", "note": "notice",
}  # fmt: skip


def text_lines(result: CheckResult) -> Iterator[str]:
    """Yield the rules that failed or are unknown, the gravest first, each with its first violations; then a summary."""
    failed = [each for each in result.results if each.severity is not None]
    for rule in sorted(failed, key=lambda each: SEVERITIES.index(each.severity or "error")):
        yield f"{rule.severity}  {_head(rule)}"
        yield from (f"  {line}" for line in _details(rule))
    for rule in result.results:
        if rule.status == "unknown":
            yield f"unknown  {_head(rule)}: {_unknown(rule)}"
    counts = Counter(rule.severity for rule in failed)
    parts = [f"{counts[name]} {name}{'s' * (counts[name] != 1)}" for name in SEVERITIES if counts[name]]
    unknown_count = sum(rule.status == "unknown" for rule in result.results)
    ending = f"{len(failed)} failed" + (f" ({', '.join(parts)})" if parts else "")
    ending += f", {unknown_count} unknown" if unknown_count else ""
    yield f"{result.path}: {len(result.results)} rules, {ending}"


def as_json(result: CheckResult) -> dict[str, Any]:
    """Return the result as values for JSON; rows keep the types of DuckDB."""
    return {
        "session": str(result.path),
        "is_ok": result.is_ok,
        "rules": [
            {
                "rule": each.rule.id,
                "title": each.rule.title,
                "status": each.status,
                "severity": each.severity,
                "violation_count": each.count,
                "unknown_count": each.unknown_count,
                "fix": each.rule.fix,
                "violations": [
                    {"severity": one.severity, "message": one.message, "command": one.command, "row": one.row}
                    for one in each.violations
                ],
            }
            for each in result.results
        ],
    }


def annotations(result: CheckResult) -> Iterator[str]:
    """Yield a workflow command of GitHub Actions for each rule that failed or is unknown."""
    for each in result.results:
        if each.severity is not None:
            text = "\n".join(_details(each))
            yield github_annotation(_LEVELS[each.severity], result.path, each.rule.id, text)
        elif each.status == "unknown":
            yield github_annotation("notice", result.path, each.rule.id, _unknown(each))


def write_check_junit(results: Sequence[CheckResult], target: Path, fail_on: Severity) -> None:
    """Write a test suite for each session and a test case for each rule. Raises `OSError`.

    Rules that are unknown, or failed with a severity below `fail_on`, are skipped test cases with a message.
    """
    suites = [
        JUnitSuite(str(result.path), result.path.stem, [_case(each, fail_on) for each in result.results])
        for result in results
    ]
    write_suites("arirecord check", suites, target)


def _case(result: RuleResult, fail_on: Severity) -> JUnitCase:
    if result.status == "unknown":
        return JUnitCase(result.rule.id, "skipped", _unknown(result))
    if result.severity is None:
        return JUnitCase(result.rule.id)
    is_grave = SEVERITIES.index(result.severity) <= SEVERITIES.index(fail_on)
    message = f"{result.severity}: {result.rule.title or result.rule.id}"
    return JUnitCase(result.rule.id, "failure" if is_grave else "skipped", message, "\n".join(_details(result)))


def _head(result: RuleResult) -> str:
    return f"{result.rule.id}: {result.rule.title}" if result.rule.title else result.rule.id


def _details(result: RuleResult) -> Iterator[str]:
    for violation in result.violations[:_SHOWN]:
        yield _violation(violation)
    if result.count > _SHOWN:
        yield f"… and {result.count - _SHOWN:,} more like this"
    if result.unknown_count:
        yield _unknown(result)
    if result.rule.fix:
        yield f"Fix: {result.rule.fix}"


def _violation(violation: Violation) -> str:
    call = violation.row.get("call_id")
    message = f"{call}: {violation.message}" if call and str(call) not in violation.message else violation.message
    return f"{message}\n    {violation.command}".replace("\n", "\n  ")


def _unknown(result: RuleResult) -> str:
    return f"unknown for {result.unknown_count:,} row{'s' * (result.unknown_count != 1)}: a value that it needs is NULL"
