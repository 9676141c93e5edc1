"""Run rules against the tables of a session, in restricted SQL."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from arirecord.analytics.connection import Tables
from arirecord.analytics.parameters import setting
from arirecord.analytics.sql_errors import table_names, unknown_column
from arirecord.doctor import examine
from arirecord.errors import RuleError, UnknownName
from arirecord.rules import SEVERITIES, CheckRule, RuleSet, Severity
from arirecord.session.reader import SessionFile
from arirecord.suggest import close_names, did_you_mean, unknown_name

from .check_result import CheckResult, RuleResult, Violation, command_for
from .short_form import UNKNOWN, parse_short_form

__all__ = ["run_rules"]

_SHOWN = 100
_BATCH = 10_000
_DOCTOR = "doctor"
"""Table with the findings of the doctor; only rules have it."""
_NAMED = re.compile(r"\{(\w+)\}")
_CANDIDATES = re.compile(r'"(?:[^".]+"\.")?([^"]+)"')


def run_rules(
    session: SessionFile, rules: RuleSet, timezone: str = "UTC", *, begin: Callable[[str], object] = lambda rule: None
) -> CheckResult:
    """Check an opened session against rules, which can read its tables and nothing else.

    begin: called with the id of each rule before it is checked.
    Raises `RuleError` for a rule that is not valid: it names the file, the rule, and what is wrong.
    """
    tables = Tables(session, timezone, is_restricted=True)
    file = next((rule.file for rule in rules.rules.values()), "")
    try:
        with setting(tables.connection, rules.parameters):
            results = []
            for rule in rules.rules.values():
                begin(rule.id)
                results.append(_run(tables, session, rule))
    except (UnknownName, ValueError) as error:
        raise RuleError(f"{file}: [parameters]: {error}") from None
    return CheckResult(session.path, results)


def _run(tables: Tables, session: SessionFile, rule: CheckRule) -> RuleResult:
    where = f"{rule.file}: rule {rule.id!r}"
    if re.search(rf"\b{_DOCTOR}\b", rule.check or rule.sql or ""):
        _need_doctor(tables, session)
    try:
        relation = _select(tables, rule.sql) if rule.sql is not None else _short_form(tables, rule.check or "")
        unknown_column_of = set(_NAMED.findall(rule.message)) - {*relation.columns}
        if unknown_column_of:
            raise unknown_name("its message names no column", min(unknown_column_of), relation.columns)
        return _result(rule, session.path, relation)
    except duckdb.Error as error:
        raise RuleError(f"{where}: {_sentence(error)}") from None
    except (UnknownName, ValueError, OverflowError) as error:
        raise RuleError(f"{where}: {error}") from None


def _select(tables: Tables, sql: str) -> duckdb.DuckDBPyRelation:
    # As a part of another SELECT it can be nothing else than one SELECT.
    relation = tables.sql(f"SELECT * FROM (\n{sql.strip().removesuffix(';')}\n)")
    assert relation is not None
    return relation


def _short_form(tables: Tables, check: str) -> duckdb.DuckDBPyRelation:
    form = parse_short_form(check)
    known = [_DOCTOR, *table_names()]
    # DuckDB takes names in any case.
    if form.table.lower() not in (name.lower() for name in known):
        raise unknown_name("No table is named", form.table, known, "`arirecord metrics` lists the tables.")
    columns = _select(tables, f"FROM {form.table}").columns
    try:
        return _select(tables, form.sql(columns))
    except duckdb.BinderException as error:
        if (column := unknown_column(error)) is None:
            raise
        raise unknown_name(f"{form.table} has no column", column, columns) from None


def _result(rule: CheckRule, path: Path, relation: duckdb.DuckDBPyRelation) -> RuleResult:
    violations: list[Violation] = []
    counts: Counter[Severity] = Counter()
    unknown_count = 0
    for row in _rows(relation):
        if row.pop(UNKNOWN, False):
            unknown_count += 1
            continue
        own: Severity = next((name for name in SEVERITIES if name == row.get("severity")), "error")
        severity: Severity = rule.severity or own
        counts[severity] += 1
        if len(violations) < _SHOWN:
            violations.append(Violation(severity, _message(rule, row), row, command_for(path, rule, row)))
    violations.sort(key=lambda violation: SEVERITIES.index(violation.severity))
    return RuleResult(rule, violations, counts, unknown_count)


def _rows(relation: duckdb.DuckDBPyRelation) -> Iterator[dict[str, Any]]:
    for batch in relation.to_arrow_reader(_BATCH):
        yield from batch.to_pylist()


def _message(rule: CheckRule, row: Mapping[str, Any]) -> str:
    if rule.message:
        return _NAMED.sub(lambda name: _text(row[name[1]]), rule.message)
    if row.get("finding"):
        return str(row["finding"])
    named = {name: value for name, value in row.items() if value is not None and name not in ("violation", "server")}
    shown = [name for name in named if re.search(rf"\b{re.escape(name)}\b", rule.check or "")] or [*named][:6]
    return ", ".join(f"{name} {_text(named[name])}" for name in shown) or rule.title or rule.check or "a row"


def _text(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _need_doctor(tables: Tables, session: SessionFile) -> None:
    """Create the table `doctor`, unless it is there."""
    if tables.connection.execute("FROM duckdb_tables() WHERE table_name = ?", [_DOCTOR]).fetchall():
        return
    tables.connection.execute(
        f'CREATE TABLE {_DOCTOR} (severity VARCHAR, rule VARCHAR, "where" VARCHAR, finding VARCHAR, fix VARCHAR)'
    )
    rows = [
        (f.severity, f.rule, f.where, f"{f.where}: {f.what}" if f.where else f.what, f.fix)
        for path in session.inputs
        for f in examine(path)
    ]
    if rows:
        tables.connection.executemany(f"INSERT INTO {_DOCTOR} VALUES (?, ?, ?, ?, ?)", rows)


def _sentence(error: duckdb.Error) -> str:
    first, *others = str(error).splitlines()
    first = first.partition("Error: ")[2] or first
    column = unknown_column(error)
    candidates = [name for line in others if "andidate bindings" in line for name in _CANDIDATES.findall(line)]
    if column and candidates:
        return f"{first} {did_you_mean(close_names(column, candidates))}".rstrip()
    return first
