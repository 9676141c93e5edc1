"""Files that are there whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arirecord.errors import TargetExists

__all__ = ["new_file"]


@contextmanager
def new_file(output: Path, *, force: bool = False) -> Iterator[Path]:
    """A path beside `output` that becomes it, with its permissions, if all goes well; a pipe or a device is itself
    written to, and where `output` is a link, what it leads to is replaced.

    Raises `TargetExists` where `output` exists and not `force`, `OSError`.
    """
    if output.is_dir():
        raise TargetExists(f"{output} is a folder: name a file")
    if output.exists() and not output.is_file():
        yield output
        return
    if output.exists() and not force:
        raise TargetExists(f"{output} exists; choose another output or add --force")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"the folder {output.parent} does not exist")
    if output.exists():
        output = output.resolve()
    folder = Path(tempfile.mkdtemp(prefix=f".{output.name}.making-", dir=output.parent))
    made = folder / output.name
    try:
        yield made
        if output.exists():
            shutil.copymode(output, made)
        made.replace(output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
