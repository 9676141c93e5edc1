"""Files of rules in TOML, as docs/check.md describes them: reading and validation."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from arirecord.errors import RuleError
from arirecord.suggest import close_names, did_you_mean

__all__ = ["SEVERITIES", "CheckRule", "RuleSet", "Severity", "read_rules", "shipped_rules"]

Severity = Literal["error", "warning", "note"]
SEVERITIES: Sequence[Severity] = get_args(Severity)
"""From the gravest."""
_VERSION = 1
_SHIPPED = ("default", "voice", "linter", "doctor")
_KEYS = ("version", "include", "parameters", "rules")
_MOST_BYTES = 1_000_000
_OFF = "off"


@dataclass(frozen=True)
class CheckRule:
    """One rule.

    id: its name, unique in a set.
    file: the file that it is from, for messages.
    title: one line, what it finds.
    check: an expectation in the short form; None if `sql` is set.
    sql: a SELECT whose rows are the violations; None if `check` is set.
    severity: None if each row has its own, in its column `severity`.
    message: sentence for each violation, with `{column}` for a value of the row. Empty: the row's column `finding`,
        or the row.
    fix: what to do.
    unknown_fails: a rule that is unknown for some rows has failed.
    """

    id: str
    file: str
    title: str = ""
    check: str | None = None
    sql: str | None = None
    severity: Severity | None = None
    message: str = ""
    fix: str = ""
    unknown_fails: bool = False


_RULE_KEYS = {each.name: each.type for each in fields(CheckRule) if each.name not in ("id", "file")}


@dataclass(frozen=True)
class RuleSet:
    """Rules by id, in order, and parameters of the models for them."""

    rules: Mapping[str, CheckRule] = field(default_factory=dict)
    parameters: Mapping[str, str | float] = field(default_factory=dict)


@cache
def shipped_rules(name: str) -> Mapping[str, CheckRule]:
    """Return the rules of a shipped set by id: `default`, `voice`, `linter` or `doctor`."""
    return _parse(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"), name).rules


def read_rules(sources: Iterable[str | Path] = ("default",)) -> RuleSet:
    """Read rule files and shipped sets (by name) into one set. Of two rules with one id the later counts.

    Raises `RuleError` for a file that cannot be read or is not valid.
    """
    rules: dict[str, CheckRule] = {}
    parameters: dict[str, str | float] = {}
    for source in sources:
        if isinstance(source, str) and source in _SHIPPED:
            rules |= shipped_rules(source)
            continue
        read = _parse(_text(Path(source)), str(source))
        rules |= read.rules
        parameters |= read.parameters
    return RuleSet(rules, parameters)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        sets = ", ".join(_SHIPPED)
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise RuleError(f"{path}: the rules file {why}. Give a file, or a shipped set: {sets}.") from None
    if len(content) > _MOST_BYTES:
        raise RuleError(f"{path} is not a rules file: it has more than {_MOST_BYTES:,} bytes.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise RuleError(f"{path} is not TOML: {error}.") from None


def _parse(text: str, file: str) -> RuleSet:
    try:
        whole = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RuleError(f"{file} is not TOML: {error or 'it is nested too deeply'}.") from None
    if not whole:
        raise RuleError(f"{file} is empty: it needs `version = {_VERSION}` and rules. docs/check.md shows an example.")
    version = whole.get("version")
    if version is None:
        raise RuleError(f"{file} has no version: begin it with `version = {_VERSION}`.")
    if version != _VERSION or isinstance(version, bool):
        raise RuleError(
            f"{file} has version {version!r}, and this arirecord reads version {_VERSION}: update arirecord, or write "
            "the rules as docs/check.md describes."
        )
    _only(whole, _KEYS, file)
    own = _table(whole, "rules", file)
    rules = dict(_included(whole.get("include", []), file))
    for id, keys in own.items():
        where = f"{file}: rule {id!r}"
        if not isinstance(keys, dict):
            raise RuleError(f"{where} is not a table: write [rules.{id}].")
        if (rule := _rule(keys, rules.get(id), CheckRule(id, file), where)) is None:
            rules.pop(id, None)
        else:
            rules[id] = rule
    if not own and not rules:
        raise RuleError(f"{file} has no rules: add a table [rules.NAME], or `include`.")
    return RuleSet(rules, _parameters(_table(whole, "parameters", file), file))


def _table(whole: Mapping[str, Any], key: str, file: str) -> Mapping[str, Any]:
    table = whole.get(key, {})
    if not isinstance(table, dict):
        raise RuleError(f"{file}: {key!r} is not a table: write [{key}].")
    return table


def _included(names: object, file: str) -> Mapping[str, CheckRule]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RuleError(f"{file}: 'include' is not a list of names, as in include = [\"default\"].")
    rules: dict[str, CheckRule] = {}
    for name in names:
        # A file of others must not make this one read further files.
        if name not in _SHIPPED:
            raise RuleError(f"{file} includes {name!r}, which is not a shipped set: {', '.join(_SHIPPED)}.")
        rules |= shipped_rules(name)
    return rules


def _parameters(table: Mapping[str, Any], file: str) -> Mapping[str, str | float]:
    for name, value in table.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise RuleError(f"{file}: parameter {name!r} is neither a number nor a text.")
    return table


def _only(keys: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in keys:
        if key not in known:
            advice = did_you_mean(close_names(key, known)) or f"Known keys: {', '.join(known)}."
            raise RuleError(f"{where} has an unknown key {key!r}. {advice}")


def _rule(keys: Mapping[str, Any], included: CheckRule | None, new: CheckRule, where: str) -> CheckRule | None:
    """Return the rule that these keys make, or change if a set that is included has it; None if they switch it off."""
    _only(keys, _RULE_KEYS, where)
    for key, value in keys.items():
        value_type = bool if key == "unknown_fails" else str
        if not isinstance(value, value_type):
            raise RuleError(f"{where}: {key!r} is not {'true or false' if value_type is bool else 'a text'}.")
    if keys.get("severity") == _OFF:
        if included is None:
            raise RuleError(f"{where} is off, and no included set has it.")
        return None
    if keys.get("severity", "error") not in SEVERITIES:
        raise RuleError(f"{where}: severity {keys['severity']!r} is not one of {', '.join(SEVERITIES)}, {_OFF}.")
    has_own = len(keys.keys() & {"check", "sql"})
    if has_own == 2 or (not has_own and included is None):
        raise RuleError(f"{where} needs either 'check' or 'sql'{', not both' if has_own else ''}.")
    if has_own:
        return replace(new, **keys)
    assert included is not None
    return replace(included, **keys)
