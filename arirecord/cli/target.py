"""The output of a recording, from the option `-o`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from arirecord.capture.parts import Rotation, Target

__all__ = ["open_target"]


def open_target(output: str, rotate: "Rotation | None", force: bool) -> "Target":
    """A file, or with `rotate` or a `/` at the end a folder of parts.

    Raises `TargetExists` and `FileNotFoundError` if the file cannot be written, before any connection is made, and
    `click.UsageError` for a file that should be a folder.
    """
    from arirecord.capture.parts import Folder, Rotation, SingleFile
    from arirecord.session.journal import in_the_way, journal_path

    path = Path(output)
    if rotate is not None or output.endswith("/"):
        if path.is_file():
            raise click.UsageError(f"{output} is a file. Name a folder for a recording in parts: -o DIR/")
        return Folder(path, rotate or Rotation())
    file = SingleFile(path, force=force)
    file.open()
    if (journal := journal_path(path)).exists():
        raise in_the_way(journal)
    return file
