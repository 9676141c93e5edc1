"""Output files: written completely or not at all; never replace an input, and other files only with force."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from arirecord.errors import TargetExists

from .object_store import ObjectPath

__all__ = ["check_folder", "check_inputs", "check_output", "followed", "give_name", "new_file", "write_whole"]


def check_output(
    output: Path, *, inputs: Iterable[Path] = (), force: bool = False, allow_pipe: bool = False, hint: str = "--force"
) -> None:
    """Refuse a file that must not be written.

    inputs: files and folders that are read. They are never replaced, not even with `force`, and no Parquet file is
        added to an input folder, which would make it a part of that recording.
    allow_pipe: accept pipes and devices, which are written to instead of being replaced.
    hint: the option that the message names; may be empty.

    The output of a running recording is refused, except to that which seals its journal, an input.

    Raises `TargetExists` and `FileNotFoundError`.
    """
    if output.is_dir():
        raise TargetExists(f"{output} is a folder: name a file")
    inputs = list(inputs)
    check_inputs(output, inputs)
    journal = output.with_name(f"{output.name}.journal")
    if journal.is_file() and journal not in inputs:
        from .journal import in_the_way, is_locked

        if is_locked(journal):
            raise in_the_way(journal)
    if output.exists() and not output.is_file():
        if not allow_pipe:
            raise TargetExists(f"{output} is a pipe or a device: name a file")
    elif output.exists() and not force:
        raise TargetExists(f"{output} exists; choose another output{f' or add {hint}' if hint else ''}")
    elif not followed(output).parent.is_dir():
        raise FileNotFoundError(f"the folder {followed(output).parent} does not exist")


def check_folder(output: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Refuse a folder that must not be written to: a file, or an input. Raises `TargetExists`."""
    if output.exists() and not output.is_dir():
        raise TargetExists(f"{output} is a file: name a folder")
    for given in inputs:
        if given.is_dir() and output.is_dir() and given.samefile(output):
            raise TargetExists(f"{output} is an input of this command: choose another folder")


def check_inputs(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that is an input, or would become a part of one. Raises `TargetExists`."""
    for given in inputs:
        files = given.rglob("*") if given.is_dir() else [given]
        if output.exists() and any(file.exists() and file.samefile(output) for file in files):
            role = f"in {given}, an input of this command" if given.is_dir() else "an input of this command"
            raise TargetExists(f"{output} is {role}; inputs are never replaced: choose another output")
        if given.is_dir() and output.suffix == ".parquet" and output.resolve().is_relative_to(given.resolve()):
            raise TargetExists(f"{output} would become a part of {given}: choose another folder")


def followed(path: Path) -> Path:
    """Return the target of a link, even if it does not exist; the path itself if it is not a link."""
    return path.resolve() if path.is_symlink() else path


def give_name(temporary: Path, target: Path, *, force: bool) -> None:
    """Sync a file and make it `target`.

    Raises `TargetExists` if `target` exists and not `force`.
    """
    if isinstance(target, ObjectPath):
        if not force and target.exists():
            raise TargetExists(f"{target} exists; choose another output")
        target.upload(temporary)
        return
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    if force:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise TargetExists(f"{target} appeared in the meantime; choose another output") from None
    except OSError:  # a file system without hard links
        temporary.replace(target)


def write_whole(target: Path, content: bytes) -> None:
    """Write a small file or object in one step: a reader never sees a part of it."""
    if isinstance(target, ObjectPath):
        target.write_bytes(content)
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(target)


@contextmanager
def new_file(output: Path, *, inputs: Iterable[Path] = (), force: bool = False) -> Iterator[Path]:
    """Yield a path beside `output` that replaces it on success.

    A pipe or a device is written to directly. If `output` is a link, its target is replaced.

    Raises `TargetExists` as `check_output` does, `OSError`.
    """
    check_output(output, inputs=inputs, force=force, allow_pipe=True)
    if output.exists() and not output.is_file():
        yield output
        return
    output = followed(output)
    folder = Path(tempfile.mkdtemp(prefix=f".{output.name}.making-", dir=output.parent))
    made = folder / output.name
    try:
        yield made
        if output.exists():
            shutil.copymode(output, made)
        give_name(made, output, force=force)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
