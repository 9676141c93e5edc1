"""`arirecord recover`."""

from pathlib import Path
from time import perf_counter

import click

from .console import LOST, progress, say, summary, warn
from .output import SESSION, Input, Output, Verb, output_options

__all__ = ["command"]


@click.command("recover", cls=Verb)
@click.argument("journal", type=Input())
@output_options(formats=SESSION, help="Session to write. Default: the journal's name without .journal.")
def command(journal: Path, output: Output) -> None:
    """Make a session from a recording that was cut off (crash, kill -9, power cut), or from all of them in a folder.

    JOURNAL may be the name of the session that is missing. A journal is removed once every frame in it was read back
    from the session. A damaged journal is kept, named .damaged, and can be recovered again. Exit code 3: the journal is
    torn or damaged, and events may be missing. In a folder, journals that cannot be sealed are reported and kept, for
    example those of a running recording; the exit code is 1 then.

    \b
    Examples:
      arirecord recover today.parquet
      arirecord recover today.parquet.journal -o rescued.parquet
      arirecord recover days/
    """
    if not journal.exists():
        from arirecord.session.journal import journal_path

        session, journal = journal, journal_path(journal)
        if not journal.exists():
            raise click.ClickException(f"{session} does not exist, nor does {journal.name}")
    if not journal.is_dir() and not journal.is_file():
        raise click.ClickException(f"{journal} is a pipe, a socket or a device, not a journal")
    if not journal.is_dir():
        whole = _recover(journal, output.path, output.force)
    elif output.path is not None:
        raise click.UsageError("-o does not work with a folder: its journals are sealed next to themselves.")
    else:
        whole = _recover_all(journal, output.force)
    if not whole:
        raise SystemExit(LOST)


def _recover_all(folder: Path, force: bool) -> bool:
    """Seal all journals in a folder that can be sealed. Return whether they were whole."""
    from arirecord.errors import ArirecordError
    from arirecord.session.folder_files import true_files
    from arirecord.session.journal import DAMAGED, session_path

    damaged = [path for path in folder.rglob(f"*.journal{DAMAGED}") if not (session_path(path) or path).exists()]
    journals = sorted(true_files([*folder.rglob("*.journal"), *damaged]))
    if not journals:
        raise click.ClickException(f"{folder} has no journal: no recording in it was cut off.")
    whole, left = True, 0
    for journal in journals:
        try:
            whole &= _recover(journal, None, force)
        except (ArirecordError, OSError) as error:
            if not journal.exists():
                continue  # the recorder has sealed it meanwhile
            warn(str(error))
            left += 1
    if left:
        raise click.ClickException(f"{left} of {len(journals)} journals were not sealed.")
    return whole


def _recover(journal: Path, output: Path | None, force: bool) -> bool:
    """Seal a journal. Return whether it was whole."""
    from arirecord.session.journal import session_path
    from arirecord.session.seal import recover

    begun_s = perf_counter()
    with progress() as update:
        header = recover(journal, output, force=force, progress=update)
    say(f"{output or session_path(journal)}: {summary(header, perf_counter() - begun_s)}")
    if header.ended != "complete":
        warn(f"The recording was {header.ended}.")
    return header.ended == "complete"
