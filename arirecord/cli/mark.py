"""`arirecord mark`."""

import getpass
from pathlib import Path

import click

from .terminal import say

__all__ = ["command"]


@click.command("mark")
@click.argument("text", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="session.parquet", show_default=True)
@click.option("--split", is_flag=True, help="Begin a new part instead (of a recording to a folder).")
def command(text: str | None, output: Path, split: bool) -> None:
    """Put a note into a running recording, named by its output, at this moment.

    \b
    Examples:
      arirecord mark "customer says the line went dead" -o today.parquet
      arirecord mark --split -o days/
    """
    from arirecord.capture.control import ask_recording

    if split == (text is not None):
        raise click.UsageError("give a TEXT, or --split")
    if split:
        ask_recording(output, {"do": "split"})
        say(f"{output}: a new part begins.")
    else:
        answer = ask_recording(output, {"do": "mark", "text": text, "by": getpass.getuser()})
        say(f"{output}: noted, after {answer['events']:,} events.")
