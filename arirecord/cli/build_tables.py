"""`arirecord tables`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arirecord.select.units import duration_text

from .console import progress, say
from .output import Input, Verb

if TYPE_CHECKING:
    from arirecord.lake.engines import Engine

__all__ = ["command"]


@click.command("tables", cls=Verb)
@click.argument("action", type=click.Choice(["build"]))
@click.argument("session", type=Input())
@click.option(
    "--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True,
    help="Run in processes of this machine, or on Apache Spark (`pip install arirecord[spark]`).",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Processes of `--engine local`.  [default: one for each core]")
@click.option("--master", metavar="URL", help="Spark's master.  [default: Spark's own setting, otherwise local[*]]")
@click.option(
    "--window-days", type=click.IntRange(1), default=1, show_default=True,
    help="Days computed at once: a window should have half a million events.",
)  # fmt: skip
def command(action: str, session: Path, engine: str, workers: int | None, master: str | None, window_days: int) -> None:
    """Compute the tables of a session or a lake once and keep them; all commands then read them.

    Tables are computed for each server and day. They are stored in `tables/` of a lake, otherwise in a hidden folder
    beside the session. A table is kept until the recording, the models or their parameters change; run the command
    again to compute what has changed. `-v` shows if a command uses kept tables.

    \b
    Examples:
      arirecord tables build lake/
      arirecord tables build today.parquet
      arirecord tables build lake/ --engine spark --master spark://cluster:7077
    """
    from arirecord.lake.build_tables import build_tables

    from .session_input import open_session

    if master and engine != "spark":
        raise click.UsageError("--master needs --engine spark.")
    if workers and engine != "local":
        raise click.UsageError("--workers needs --engine local; Spark has settings of its own.")
    opened, begun = open_session(session), time.monotonic()
    with progress() as update:
        built = build_tables(opened, engine=_engine(engine, workers, master), window_days=window_days, progress=update)
    took = duration_text(time.monotonic() - begun)
    say(f"{built.folder}: tables of {built.window_count} windows, {built.computed_count} of them computed in {took}.")


def _engine(name: str, workers: int | None, master: str | None) -> "Engine":
    if name == "spark":
        from arirecord.lake.spark_engine import SparkEngine

        return SparkEngine(master=master)
    from arirecord.lake.engines import LocalEngine

    return LocalEngine(workers)
