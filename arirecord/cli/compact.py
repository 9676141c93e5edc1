"""`arirecord compact`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from .console import LOST, progress, say, warn
from .output import SESSION, Input, Output, Verb, output_options
from .param_types import AGE

__all__ = ["command"]


@click.command("compact", cls=Verb)
@click.argument("session", type=Input())
@click.option("--older-than", type=AGE, help="Of a lake: compact days that ended this long ago: 7d, 12h.")
@output_options(
    formats=SESSION,
    is_folder=lambda given: given["session"].is_dir(),
    help="Session to write; a folder if SESSION is a folder.",
)
def command(session: Path, older_than: float | None, output: Output) -> None:
    """Write a session in about half the space, for long-term storage; or merge the small parts of a lake.

    Frames whose text follows from their columns are stored without the text. Every command reads a compact session,
    and `cat` and `replay` give the same bytes: each frame is compared before the output gets its name. Other tools
    must sort rows by `seq`, and build `raw` from `raw_template` where it is null.

    With --older-than, SESSION is a lake, and the parts of each day become one to three, in place. Every row is read
    back and compared. Other programs can read and ingest meanwhile; a query that runs over such a day can fail, since
    its files are replaced.

    \b
    Examples:
      arirecord compact today.parquet -o archive/today.parquet
      arirecord compact days/ -o archive/
      arirecord compact /srv/lake --older-than 7d
    """
    if older_than is not None:
        if output.path is not None:
            raise click.UsageError("--older-than compacts a lake in place: leave out -o.")
        _compact_lake(session, older_than)
        return
    from arirecord.session.compact import compact

    from .session_input import open_session

    opened = open_session(session)
    if output.path is None:
        raise click.UsageError("Name the output with -o, or for a lake the age of its days with --older-than 7d.")
    with progress(opened.header.rows) as update:
        compact(opened, output.required_path, force=output.force, progress=update)
    before, after = (
        sum(path.stat().st_size for path in open_session(p).paths) for p in (session, output.required_path)
    )
    events = opened.header.events
    each = f", {after / events:.1f} bytes an event" if events else ""
    say(f"{output.path}: {after / 1e6:.1f} MB instead of {before / 1e6:.1f} MB{each}.")


def _compact_lake(root: Path, age_s: float) -> None:
    from arirecord.lake.compaction import compact_lake

    with progress() as update:
        done = compact_lake(root, (datetime.now(UTC) - timedelta(seconds=age_s)).date(), progress=update, report=warn)
    say(f"{root}: {done.files_after:,} files instead of {done.files_before:,} in {done.day_count:,} days of servers.")
    if done.problems:
        raise SystemExit(LOST)
