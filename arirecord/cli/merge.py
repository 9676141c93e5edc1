"""`arirecord merge`."""

from pathlib import Path
from time import perf_counter

import click

from .terminal import progress, say
from .units import summary

__all__ = ["command"]


@click.command("merge")
@click.argument("sessions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The session to be made.")
@click.option("--keep-clocks", is_flag=True, help="Take the times as they were recorded.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(sessions: tuple[Path, ...], output: Path, keep_clocks: bool, force: bool) -> None:
    """Make one session of several, in one order of time: of other Asterisks, other applications, or parts.

    The recorders' clocks are compared by the events that two sessions have in common, else by the events' own
    timestamps, and set right by the first session's; how far they were apart is said. A frame that several recorded is
    kept once. The new session says what it was made of.

    \b
    Examples:
      arirecord merge pbx1.parquet pbx2.parquet -o both.parquet
      arirecord merge recorder.parquet app.parquet -o all.parquet
      arirecord merge monday/ tuesday/ --keep-clocks -o days.parquet
    """
    from arirecord.handling.merge import merge_sessions
    from arirecord.session.reader import open_session

    if len(sessions) < 2:
        raise click.UsageError("there is nothing to merge: give two sessions or more")
    begun_s = perf_counter()
    with progress() as update:
        done = merge_sessions(
            [open_session(path) for path in sessions], output, keep_clocks=keep_clocks, force=force, progress=update
        )
    say(f"{output}: {summary(done.header, perf_counter() - begun_s)}")
    for path, clock, count in zip(sessions, done.clocks, done.duplicates, strict=True):
        say(
            f"{path}: clock {clock.offset_ns / 1e9:+.6f} s (known from {clock.known_from});"
            f" {count:,} rows that another had too."
        )
