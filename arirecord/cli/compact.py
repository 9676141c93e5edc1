"""`arirecord compact`."""

from pathlib import Path

import click

from .console import progress, say
from .output import SESSION, Input, Output, Verb, output_options

__all__ = ["command"]


@click.command("compact", cls=Verb)
@click.argument("session", type=Input())
@output_options(
    formats=SESSION,
    is_folder=lambda given: given["session"].is_dir(),
    required=True,
    help="Session to write; a folder if SESSION is a folder.",
)
def command(session: Path, output: Output) -> None:
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

    from .session_input import open_session

    opened = open_session(session)
    with progress(opened.header.rows) as update:
        compact(opened, output.required_path, force=output.force, progress=update)
    before, after = (
        sum(path.stat().st_size for path in open_session(p).paths) for p in (session, output.required_path)
    )
    events = opened.header.events
    each = f", {after / events:.1f} bytes an event" if events else ""
    say(f"{output.path}: {after / 1e6:.1f} MB instead of {before / 1e6:.1f} MB{each}.")
