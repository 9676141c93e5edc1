"""Replacing the parts of a day in an object store, where no step changes several objects.

A note (`REPLACED`) names the old and the new objects. Readers of arirecord list the old ones until all new ones are
there, and then the new ones. The old ones and then the note are removed; after a kill, the next compaction does it.
"""

from collections.abc import Sequence
from pathlib import Path

import orjson

from arirecord.session.folder_files import LAKE_EVENTS, REPLACED, replaced_files
from arirecord.session.object_store import ObjectPath

__all__ = ["finish_replacements", "replace_stored"]


def replace_stored(folder: ObjectPath, old: Sequence[Path], new: Sequence[Path]) -> bool:
    """Put files of this machine in the place of objects in the folder of a day.

    Return False, and do nothing, if one of the objects is not as it was listed.
    """
    now = {path.name: path.stat() for path in folder.iterdir()}
    if any(now.get(path.name) != path.stat() for path in old):
        return False
    names = {"old": [path.name for path in old], "new": [path.name for path in new]}
    note = folder / REPLACED
    note.write_bytes(orjson.dumps(names))
    for path in new:
        (folder / path.name).upload(path)
    _finish(note)
    return True


def finish_replacements(root: ObjectPath) -> None:
    """Remove what a killed process has left: the old objects if all new ones are there, otherwise the new ones."""
    for note in (root / LAKE_EVENTS).rglob(REPLACED):
        _finish(note)


def _finish(note: ObjectPath) -> None:
    listed = list(note.parent.iterdir())
    replaced = replaced_files(note, listed)
    unfinished = [] if replaced else [note.with_name(name) for name in orjson.loads(note.read_bytes())["new"]]
    for path in (*replaced, *unfinished):
        path.unlink(missing_ok=True)
    note.unlink()
