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
    help="The compact session (of a folder: a folder).",
)
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(session: Path, output: Path, force: bool) -> None:
    """Write a session in about half the space, for keeping.

    The text of a frame is kept only where its columns do not give it back byte for byte. Every command reads a compact
    session like any other, and `cat` and `replay` give the same bytes; every frame is compared before the output gets
    its name. What differs is for other tools: rows are in the order of `seq` only when sorted by it, and `raw` is null
    where `raw_template` says how the columns make it.

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
