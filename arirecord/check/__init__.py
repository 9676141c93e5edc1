"""Expectations about a recording: rules that are checked against its tables, and their results."""

from .check_result import CheckResult, RuleResult, Violation
from .run_rules import run_rules

__all__ = ["CheckResult", "RuleResult", "Violation", "run_rules"]
