"""`arirecord export`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .terminal import progress, say

if TYPE_CHECKING:
    from arirecord.handling.export import Form
    from arirecord.session.reader import Session

__all__ = ["command"]


@click.command("export")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), required=True,
              help="Output file, or a folder with --by-type; - is stdout (jsonl).")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="parquet", show_default=True,
              help="jsonl without --by-type: frames with their times, as `import` reads them.")  # fmt: skip
@click.option("--by-type", is_flag=True, help="Write one file per event type, with the columns of the type.")
@click.option("--call", "calls", multiple=True, metavar="ID", help="Only this call (repeatable).")
@click.option("--force", is_flag=True, help="Replace the output if it exists (a file only).")
def command(session: Path, output: Path, form: "Form", by_type: bool, calls: tuple[str, ...], force: bool) -> None:
    """Export the events of a session as CSV, JSON lines or Parquet: all, by event type, or of one call.

    CSV and Parquet have one row per event and the columns of the session. JSON lines without --by-type are the frames
    with their times; `arirecord import` turns them into a session again.

    \b
    Examples:
      arirecord export today.parquet -o events/ --by-type
      arirecord export today.parquet -o events.csv --format csv
      arirecord export today.parquet --call 1795474657.0 --format jsonl -o call.jsonl
      arirecord export today.parquet --call 1795474657.0 --format jsonl -o - | jq -r .frame
    """
    from arirecord.handling.export import export_by_type, export_lines, export_table, jsonl_lines
    from arirecord.session.reader import open_session

    is_stdout = str(output) == "-"
    if is_stdout and (by_type or form != "jsonl"):
        raise click.UsageError("Only --format jsonl without --by-type can be written to stdout.")
    with progress() as update, _part_of(open_session(session), calls) as opened:
        if by_type:
            counts = export_by_type(opened, output, form, progress=update)
            say(f"{output}: {len(counts)} files, {sum(counts.values()):,} rows.")
        elif is_stdout:
            sys.stdout.buffer.writelines(jsonl_lines(opened))
            sys.stdout.buffer.flush()
        elif form == "jsonl":
            say(f"{output}: {export_lines(opened, output, force=force, progress=update):,} rows.")
        else:
            say(f"{output}: {export_table(opened, output, form, force=force):,} rows.")


@contextmanager
def _part_of(session: "Session", calls: tuple[str, ...]) -> "Iterator[Session]":
    """The session, or of it only these calls, for as long as the context lasts."""
    if not calls:
        yield session
        return
    from arirecord.handling.filter import Selection, filter_session
    from arirecord.session.reader import open_session

    with tempfile.TemporaryDirectory(prefix="arirecord-export-") as folder:
        part = Path(folder) / "calls.parquet"
        filter_session(session, Selection(calls=calls), part)
        yield open_session(part)
