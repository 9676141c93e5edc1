"""`arirecord recover`."""

from pathlib import Path

import click

from .terminal import LOST, progress, say, warn

__all__ = ["command"]


@click.command("recover")
@click.argument("journal", type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The session. Default: the journal's name without .journal."
)
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(journal: Path, output: Path | None, force: bool) -> None:
    """Make a session of a recording that was cut off (a crash, kill -9, a power cut), or of all such in a folder.

    A journal goes only when every frame in it was read back from the session. Exit code 3: a journal's end was torn
    or a part of it damaged, so that something may be missing.

    \b
    Examples:
      arirecord recover today.parquet.journal
      arirecord recover today.parquet.journal -o rescued.parquet
      arirecord recover days/
    """
    if not journal.is_dir():
        whole = [_recover(journal, output, force)]
    else:
        if output is not None:
            raise click.UsageError("-o names one session; the journals of a folder are sealed where they lie")
        journals = sorted(journal.rglob("*.journal"))
        if not journals:
            raise click.ClickException(f"{journal} holds no journal: nothing was cut off there")
        whole = [_recover(found, None, force) for found in journals]
    if not all(whole):
        raise SystemExit(LOST)


def _recover(journal: Path, output: Path | None, force: bool) -> bool:
    """Seal one; whether it was whole."""
    from arirecord.session.seal import recover

    with progress() as update:
        header = recover(journal, output, force=force, progress=update)
    say(f"{output or journal.with_suffix('')}: {header.events:,} events in {header.duration_ns / 1e9:.1f} s.")
    if header.ended != "complete":
        warn(f"The recording was {header.ended}.")
    return header.ended == "complete"
