"""`arirecord check`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from arirecord.rules import SEVERITIES, Severity

from .console import echo, live_line, machine_output
from .output import Input, Output, Verb, build_result_options
from .param_types import timezone_option
from .session_input import open_session, otlp_options

if TYPE_CHECKING:
    from arirecord.check import CheckResult

__all__ = ["command"]


@click.command("check", cls=Verb)
@click.argument("sessions", metavar="SESSION...", nargs=-1, required=True, type=Input())
@click.option(
    "--rules",
    "sources",
    multiple=True,
    default=("default",),
    show_default=True,
    metavar="RULES",
    help="A rules file, or a shipped set: default, voice, linter, doctor (repeatable).",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="error",
    show_default=True,
    help="Exit with 1 if a rule fails with this severity or a graver one.",
)
@build_result_options
@otlp_options
@timezone_option("Time zone of local_time() and of buckets in rules")
def command(
    sessions: tuple[Path, ...], sources: tuple[str, ...], fail_on: Severity, form: str, timezone: str, junit: Output
) -> None:
    """Check recordings against rules: expectations about their tables.

    Prints each rule that failed, the calls, the command that explains each, and what to do. The exit code is 1 if a
    rule failed with severity error, 0 otherwise. A rule whose values are not known does not pass silently: it is
    reported as unknown. docs/check.md describes rules files.

    \b
    Examples:
      arirecord check today.parquet
      arirecord check days/ --rules default --rules my_rules.toml
      arirecord check bot.parquet --rules voice --junit check.xml
    """
    from arirecord.check.check_report import annotations, as_json, text_lines, write_check_junit
    from arirecord.check.run_rules import run_rules
    from arirecord.rules import read_rules

    rules = read_rules(sources)
    results: list[CheckResult] = []
    doing = [""]
    for session in sessions:
        with live_line(lambda: f"Checking {doing[-1]} …"):
            results.append(run_rules(open_session(session), rules, timezone, begin=doing.append))
        for line in text_lines(results[-1]) if form == "text" else annotations(results[-1]) if form == "github" else ():
            echo(line)
    if form == "json":
        facts = [as_json(result) for result in results]
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
        machine_output().write(orjson.dumps(facts, default=str, option=options))
    if junit.path is not None:
        with junit.file() as path:
            write_check_junit(results, path, fail_on)
    if any(result.failed(fail_on) for result in results):
        raise SystemExit(1)
