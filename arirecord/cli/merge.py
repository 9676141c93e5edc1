"""`arirecord merge`."""

from pathlib import Path
from time import perf_counter

import click

from .console import progress, say, summary
from .output import SESSION, Input, Output, Verb, output_options

__all__ = ["command"]


@click.command("merge", cls=Verb)
@click.argument("sessions", nargs=-1, required=True, type=Input())
@click.option("--keep-clocks", is_flag=True, help="Keep the recorded times; do not align clocks.")
@output_options(formats=SESSION, required=True, help="Session to write.")
def command(sessions: tuple[Path, ...], keep_clocks: bool, output: Output) -> None:
    """Merge several sessions into one, ordered by time: of several Asterisks, several apps, or parts.

    The clocks of the recorders are aligned to the first session's, by events that two sessions share or otherwise by
    the events' own timestamps; the offsets are printed. A frame that several sessions have is kept once. The new
    session's header names its sources.

    \b
    Examples:
      arirecord merge pbx1.parquet pbx2.parquet -o both.parquet
      arirecord merge recorder.parquet app.parquet -o all.parquet
      arirecord merge monday/ tuesday/ --keep-clocks -o days.parquet
    """
    from arirecord.transform.merge import merge_sessions

    from .session_input import open_session

    if len(sessions) < 2:
        raise click.UsageError("Give two or more sessions to merge.")
    begun_s = perf_counter()
    with progress() as update:
        done = merge_sessions(
            [open_session(path) for path in sessions],
            output.required_path,
            keep_clocks=keep_clocks,
            force=output.force,
            progress=update,
        )
    say(f"{output.path}: {summary(done.header, perf_counter() - begun_s)}")
    for path, clock, count in zip(sessions, done.clocks, done.duplicates, strict=True):
        say(f"{path}: clock {clock.offset_ns / 1e9:+.6f} s (from {clock.known_from}); {count:,} duplicate rows.")
