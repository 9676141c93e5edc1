"""The result of a verification as JUnit XML, for build servers."""

from collections.abc import Sequence
from pathlib import Path

from arirecord.ci_results import JUnitCase, JUnitSuite, write_suites

from .run import Verified

__all__ = ["write_junit"]


def write_junit(results: Sequence[Verified], target: Path) -> None:
    """Write a test suite for each session, and a test case for each call. Raises `OSError`."""
    write_suites("arirecord verify", map(_suite, results), target)


def _suite(result: Verified) -> JUnitSuite:
    cases = [
        JUnitCase(str(call.call))
        if call.is_same
        else JUnitCase(str(call.call), "failure", call.lines()[-1], "\n".join(call.lines()))
        for call in result.calls
    ]
    if result.trouble is not None:
        cases.append(JUnitCase("the app", "error", result.trouble))
    return JUnitSuite(str(result.path), result.path.stem, cases, result.wall_s)
