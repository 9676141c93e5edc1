"""`arirecord mark`."""

import getpass
from pathlib import Path

import click

from .console import say

__all__ = ["command"]


@click.command("mark")
@click.argument("text", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="session.parquet", show_default=True)
@click.option("--split", is_flag=True, help="Start a new part instead, in a recording to a folder.")
def command(text: str | None, output: Path, split: bool) -> None:
    """Add a note to a running recording, or start a new part of it. -o names the recording.

    \b
    Examples:
      arirecord mark "customer says the line went dead" -o today.parquet
      arirecord mark --split -o days/
    """
    from arirecord.capture.control import ask_recording

    if split == (text is not None):
        raise click.UsageError("Give either TEXT or --split.")
    if split:
        ask_recording(output, {"do": "split"})
        say(f"{output}: started a new part.")
    else:
        answer = ask_recording(output, {"do": "mark", "text": text, "by": getpass.getuser()})
        say(f"{output}: added the note after {answer['events']:,} events.")
