"""The output of a recording, from the option `-o`."""

from typing import TYPE_CHECKING

from .output import Output

if TYPE_CHECKING:
    from arirecord.capture.rotation import Rotation, Target

__all__ = ["open_target"]


def open_target(output: Output, rotate: "Rotation | None") -> "Target":
    """Return the file of a recording, or its folder of parts, before any connection is made.

    Raises `TargetExists` if a recording to the same place was left behind.
    """
    from arirecord.capture.rotation import Folder, Rotation, SingleFile
    from arirecord.session.journal import in_the_way, journal_path

    path = output.required_path
    if output.is_folder:
        return Folder(path, rotate or Rotation())
    file = SingleFile(path, force=output.force)
    file.open()
    if (journal := journal_path(path)).exists():
        raise in_the_way(journal)
    return file
