"""`arirecord import`."""

from pathlib import Path
from time import perf_counter

import click

from .console import LOST, progress, say, summary, warn
from .output import SESSION, Input, Output, Verb, output_options

__all__ = ["command"]


@click.command("import", cls=Verb)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=Input(must_exist=True, allow_dash=True),
)
@output_options(formats=SESSION, default="session.parquet", show_default=True, help="The session to be made.")
def command(files: tuple[Path, ...], output: Output) -> None:
    """Make a session from recorded event streams, in the order given; - is standard input.

    Each line is an event as Asterisk sent it, or {"t": NANOSECONDS SINCE 1970, "frame": "TEXT OF THE EVENT"}. Files
    may be compressed with gzip or zstd. Without "t" the times are the events' own timestamps.

    A broken line is kept and reported; the exit code is 3 then. A file without any ARI event is refused.

    \b
    Examples:
      arirecord import events.jsonl -o session.parquet
      arirecord import monday.jsonl.gz tuesday.jsonl.zst -o days.parquet
      websocat "ws://pbx:8088/ari/events?app=log&subscribeAll=true&api_key=me:secret" | arirecord import - -o l.parquet
    """
    from arirecord.capture.importer import import_streams

    begun_s = perf_counter()
    with progress() as update:
        header = import_streams(
            [None if str(f) == "-" else f for f in files], output.required_path, force=output.force, progress=update
        )
    say(f"{output.path}: {summary(header, perf_counter() - begun_s)}")
    if header.drift_count:
        say(f"Differences from the ARI documentation: {header.drift_count:,}; `arirecord info` lists them.")
    for problem in header.problems:
        warn(f"{problem['where']}: {problem['what']}")
    if header.problem_count:
        were = "line was" if header.problem_count == 1 else "lines were"
        warn(f"{header.problem_count:,} {were} broken{_more(header.problem_count - len(header.problems))}.")
        raise SystemExit(LOST)


def _more(count: int) -> str:
    return f"; {count:,} of them are not listed" if count else ""
