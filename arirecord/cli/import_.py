"""`arirecord import`."""

from pathlib import Path
from time import perf_counter

import click

from .console import LOST, progress, say, summary, warn
from .output import SESSION, Input, Output, Verb, output_options

__all__ = ["command"]


@click.command("import", cls=Verb)
@click.argument("files", nargs=-1, required=True, type=Input(must_exist=True, allow_dash=True))
@click.option("--field", metavar="NAME", help="The field that holds the event, such as message or log.body.")
@click.option("--time-field", metavar="NAME", help="The field that holds the time of receipt, such as @timestamp.")
@click.option("--keep-text", is_flag=True, help="Keep text beside the events as rows of kind text.")
@output_options(formats=SESSION, default="session.parquet", show_default=True, help="The session to be made.")
def command(
    files: tuple[Path, ...], field: str | None, time_field: str | None, keep_text: bool, output: Output
) -> None:
    """Make a session from recorded event streams; - is standard input.

    Events are found wherever they are: one a line, printed over several lines, in an array, after the text of a
    logger, in the objects of a log system, or as Python prints them. {"t": NANOSECONDS SINCE 1970, "frame": "TEXT OF
    THE EVENT"} gives the time of receipt; otherwise it is the time that the log system wrote, or the event's own
    timestamp. Files are put in order of time.

    Files may be compressed with gzip, bzip2, xz or zstd, zip and tar archives, folders, and UTF-16 with a byte order
    mark.

    Broken events are reported; the exit code is 3 then. A file without any ARI event is refused with exit code 3.

    \b
    Examples:
      arirecord import events.jsonl -o session.parquet
      arirecord import app.log app.log.1 app.log.2.gz -o days.parquet
      arirecord import e.json --field log --time-field @timestamp -o s.parquet
      journalctl -u my-app -o cat | arirecord import - -o app.parquet
      websocat "$EVENTS_URL" | arirecord import - -o log.parquet
    """
    from arirecord.capture.importer import import_streams
    from arirecord.errors import NoEvents

    begun_s = perf_counter()
    try:
        with progress() as update:
            header = import_streams(
                [None if str(f) == "-" else f for f in files],
                output.required_path,
                field=field,
                time_field=time_field,
                keep_text=keep_text,
                force=output.force,
                progress=update,
            )
    except NoEvents as error:
        warn(f"Error: {error}")
        raise SystemExit(LOST) from error
    say(f"{output.path}: {summary(header, perf_counter() - begun_s)}")
    for note in header.source.get("notes", ()):
        say(note)
    if header.drift_count:
        say(f"Differences from the ARI documentation: {header.drift_count:,}; `arirecord info` lists them.")
    for problem in header.problems:
        warn(f"{problem['where']}: {problem['what']}")
    if header.problems:
        raise SystemExit(LOST)
