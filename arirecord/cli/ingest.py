"""`arirecord ingest`."""

from pathlib import Path
from time import perf_counter

import click

from arirecord.select.units import duration_text

from .console import LOST, progress, say, warn
from .output import Input, Verb

__all__ = ["command"]


@click.command("ingest", cls=Verb)
@click.argument("sessions", nargs=-1, required=True, type=Input(must_exist=True))
@click.argument("root", type=Input())
@click.option("--tables", is_flag=True, help="Then compute the tables of new days, and keep them.")
def command(sessions: tuple[Path, ...], root: Path, tables: bool) -> None:
    """Put sessions into a lake: one folder for the recordings of many servers and days.

    ROOT is made if it is missing. Each session is copied, cut by server and by day of receipt (UTC), to
    ROOT/events/server=…/date=…/. Every command reads ROOT like a session, and so do DuckDB, Spark, Trino and polars.

    ROOT can be in an object store: s3://BUCKET/PREFIX, with the credentials of other AWS programs.

    What the lake has already is passed over: run the same command again at any time, also after a failure. A session
    that cannot be read, or has a journal that is not sealed, is reported and left out; the exit code is 3 then.

    \b
    Examples:
      arirecord ingest today.parquet /srv/lake
      arirecord ingest /var/spool/pbx1/ /var/spool/pbx2/ /srv/lake
      arirecord ingest days/ s3://recordings/lake --tables
    """
    from arirecord.lake.ingest import ingest

    begun_s = perf_counter()
    with progress() as update:
        done = ingest(sessions, root, progress=update, report=warn)
    known = f"; it had {done.known_count:,} already" if done.known_count else ""
    took = duration_text(perf_counter() - begun_s)
    say(f"{root}: {len(done.added):,} parts with {done.rows:,} rows added in {took}{known}.")
    if tables:
        from .build_tables import command as build

        click.get_current_context().invoke(build, action="build", session=root)
    if done.problems:
        raise SystemExit(LOST)
