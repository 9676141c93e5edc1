"""`arirecord compact`."""

from pathlib import Path

import click

from .terminal import progress, say

__all__ = ["command"]


@click.command("compact")
@click.argument("session", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Session to write; a folder if SESSION is a folder.",
)
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(session: Path, output: Path, force: bool) -> None:
    """Write a session in about half the space, for long-term storage.

    Frames whose text follows from their columns are stored without the text. Every command reads a compact session,
    and `cat` and `replay` give the same bytes: each frame is compared before the output gets its name. Other tools
    must sort rows by `seq`, and build `raw` from `raw_template` where it is null.

    \b
    Examples:
      arirecord compact today.parquet -o archive/today.parquet
      arirecord compact days/ -o archive/
    """
    from arirecord.session.compact import compact
    from arirecord.session.reader import open_session

    opened = open_session(session)
    with progress(opened.header.rows) as update:
        compact(opened, output, force=force, progress=update)
    before, after = (sum(path.stat().st_size for path in open_session(p).paths) for p in (session, output))
    events = opened.header.events
    each = f", {after / events:.1f} bytes an event" if events else ""
    say(f"{output}: {after / 1e6:.1f} MB instead of {before / 1e6:.1f} MB{each}.")
