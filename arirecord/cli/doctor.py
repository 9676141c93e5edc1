"""`arirecord doctor`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from arirecord.rules import SEVERITIES

from .console import LOST, echo, machine_output, progress
from .output import Input
from .query_results import TableView, show_rows

if TYPE_CHECKING:
    from arirecord.doctor import Finding

__all__ = ["command"]

_EXIT = {"error": 1, "warning": LOST}


@click.command("doctor")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=Input())
@click.option("--quick", is_flag=True, help="Compare only a sample of the rows with their frames.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(paths: tuple[Path, ...], quick: bool, form: str) -> None:
    """Check sessions, folders of sessions and journals for damage, losses, wrong clocks and missing events.

    Exit codes: 0 healthy (notes are harmless), 3 events were or may be lost, 1 a file is damaged or of another kind.

    \b
    Examples:
      arirecord doctor today.parquet
      arirecord doctor days/ --quick
      arirecord doctor today.parquet.journal
      arirecord doctor *.parquet --format json | jq '.[].findings[].rule'
    """
    from arirecord.doctor import examine, worst

    by_path: dict[Path, list[Finding]] = {}
    for path in paths:
        with progress() as update:
            findings = list(examine(path, is_quick=quick, progress=update))
        by_path[path] = sorted(findings, key=lambda f: SEVERITIES.index(f.severity))
        if form == "table":
            _print(path, by_path[path])
    if form == "json":
        facts = [
            {"path": str(path), "verdict": _verdict(findings), "findings": [asdict(f) for f in findings]}
            for path, findings in by_path.items()
        ]
        machine_output().write(orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    gravest = worst(f for findings in by_path.values() for f in findings)
    raise SystemExit(_EXIT.get(gravest or "note", 0))


def _verdict(findings: "list[Finding]") -> str:
    from arirecord.doctor import worst

    return {"error": "damaged", "warning": "lossy"}.get(worst(findings) or "note", "healthy")


def _print(path: Path, findings: "list[Finding]") -> None:
    counts = [(word, sum(f.severity == word for f in findings)) for word in SEVERITIES]
    counted = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for word, count in counts if count)
    echo(f"{path}: {_verdict(findings)}" + (f" ({counted})" if counted else ""))
    if not findings:
        return
    names = ("severity", "rule", "where", "what", "fix")
    rows = [(f.severity, f.rule, f.where, f.what, f.fix) for f in findings]
    show_rows(names, [False] * len(names), rows, TableView(is_asked=True, is_whole=True))
