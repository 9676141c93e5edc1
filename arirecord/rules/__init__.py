"""Rules as data: their ids, titles, checks and fixes. The linter, the doctor and `arirecord check` share them."""

from .rule_file import SEVERITIES, CheckRule, RuleSet, Severity, read_rules, shipped_rules

__all__ = ["SEVERITIES", "CheckRule", "RuleSet", "Severity", "read_rules", "shipped_rules"]
