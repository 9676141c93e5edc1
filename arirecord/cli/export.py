"""`arirecord export`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from arirecord.errors import TargetExists

from .console import machine_output, progress, say
from .output import Output, Verb, csv_safe_option, output_options
from .session_input import SessionInput, open_session, session_argument

if TYPE_CHECKING:
    from arirecord.session.reader import SessionFile
    from arirecord.transform.export import Form

__all__ = ["command"]


@click.command("export", cls=Verb)
@session_argument
@click.option("--by-type", is_flag=True, help="Write one file per event type, with the columns of the type.")
@click.option("--call", "calls", multiple=True, metavar="ID", help="Only this call (repeatable).")
@csv_safe_option
@output_options(
    formats={"parquet": (".parquet",), "csv": (".csv",), "jsonl": (".jsonl",)},
    has_format=True,
    is_folder=lambda given: given["by_type"],
    has_stdout=True,
    required=True,
    help="Output file, or a folder with --by-type; - is stdout (jsonl).",
)
def command(session: SessionInput, by_type: bool, calls: tuple[str, ...], output: Output) -> None:
    """Export the events of a session as CSV, JSON lines or Parquet: all, by event type, or of one call.

    The ending of the output decides the format. CSV and Parquet have one row per event and the columns of the session.
    JSON lines without --by-type are the frames with their times; `arirecord import` turns them into a session again.

    \b
    Examples:
      arirecord export today.parquet -o events/ --by-type
      arirecord export today.parquet -o events.csv
      arirecord export today.parquet --call 1795474657.0 -o call.jsonl
      arirecord export today.parquet --format jsonl -o - | jq .frame
    """
    from arirecord.transform.export import export_by_type, export_lines, export_table, jsonl_lines

    form = cast("Form", output.format)
    if output.path is None and (by_type or form != "jsonl"):
        raise click.UsageError("Only --format jsonl without --by-type can be written to stdout.")
    if output.is_folder and not by_type:
        raise TargetExists(f"{output.path} is a folder: name a file, or add --by-type")
    with progress() as update, _part_of(open_session(session), calls) as opened:
        if output.path is None:
            out = machine_output()
            for line in jsonl_lines(opened):
                out.write(line)
            out.flush()
        elif by_type:
            counts = export_by_type(opened, output.path, form, csv_safe=output.csv_safe, progress=update)
            say(f"{output.path}: {len(counts)} files, {sum(counts.values()):,} rows.")
        elif form == "jsonl":
            count = export_lines(opened, output.path, force=output.force, progress=update)
            say(f"{output.path}: {count:,} rows.")
        else:
            count = export_table(opened, output.path, form, force=output.force, csv_safe=output.csv_safe)
            say(f"{output.path}: {count:,} rows.")


@contextmanager
def _part_of(session: "SessionFile", calls: tuple[str, ...]) -> "Iterator[SessionFile]":
    """Yield the session, or only these calls of it, while the context lasts."""
    if not calls:
        yield session
        return
    from arirecord.transform.filter import Selection, filter_session

    with tempfile.TemporaryDirectory(prefix="arirecord-export-") as folder:
        part = Path(folder) / "calls.parquet"
        filter_session(session, Selection(calls=calls), part)
        yield open_session(part)
