"""A recording of `capture` or `tap`: its output from `-o`, signals while it runs, and its end."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from .console import progress, say, warn
from .output import SESSION, Input, Output, output_options
from .param_types import DURATION, ROTATION

if TYPE_CHECKING:
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.rotation import Rotation, Target
    from arirecord.session.header import Header

__all__ = [
    "SignalledRecording", "close_recording", "handle_signals", "length_options", "open_target", "report_losses",
    "seal_recording", "target_option", "tls_options",
]  # fmt: skip

Command = TypeVar("Command", bound=Callable[..., object])


def length_options(command: Command) -> Command:
    """Add `--rotate` and `--duration`."""
    command = click.option("--duration", type=DURATION, help="Stop after this time: 30s, 5m, 1h30m.")(command)
    help = "Start a new part in the folder -o after 1h, 256MB or 1000000 (rows)."
    return click.option("--rotate", type=ROTATION, help=help)(command)


def target_option(command: Command) -> Command:
    """Add `-o`, a file, or with `--rotate` a folder of parts, and `--lake`."""
    help = "Put each sealed part into this lake, a folder or s3://BUCKET/PREFIX, and remove it from the folder -o."
    command = click.option("--lake", type=Input(), metavar="ROOT", help=help)(command)
    decorate = output_options(
        formats=SESSION,
        is_folder=lambda given: given["rotate"] is not None,
        default="session.parquet",
        show_default=True,
        help="Output file, or a folder for parts: DIR/.",
    )
    decorated: Command = decorate(command)
    return decorated


def tls_options(command: Command) -> Command:
    """Add `--ca` and `--insecure`."""
    command = click.option("--insecure", is_flag=True, help="Do not check certificates (unsafe).")(command)
    help = "Trust this certificate authority (PEM)."
    return click.option("--ca", type=Input(must_exist=True), help=help)(command)


def open_target(output: Output, rotate: "Rotation | None", lake: Path | None) -> "Target":
    """Return the file of a recording, or its folder of parts, before any connection is made.

    lake: where sealed parts go; it is made if it is missing. A store that cannot be reached is reported only.

    Raises `TargetExists` if a recording to the same place was left behind, and for a folder that cannot be a lake.
    """
    from arirecord.capture.rotation import Folder, Rotation, SingleFile
    from arirecord.session.journal import in_the_way, journal_path

    path = output.required_path
    if lake is not None:
        _check_lake(lake, output)
    if output.is_folder:
        return Folder(path, rotate or Rotation(), lake)
    file = SingleFile(path, force=output.force)
    file.open()
    if (journal := journal_path(path)).exists():
        raise in_the_way(journal)
    return file


def _check_lake(lake: Path, output: Output) -> None:
    from arirecord.errors import StorageError
    from arirecord.lake.layout import make_lake

    if not output.is_folder:
        raise click.UsageError("--lake takes parts from a folder: add -o FOLDER and --rotate.")
    folder, root = output.required_path.resolve(), lake.resolve()
    if folder.is_relative_to(root) or root.is_relative_to(folder):
        raise click.UsageError(f"{output.path} and the lake {lake} must be folders apart: parts are moved.")
    try:
        make_lake(lake)
    except StorageError as error:
        warn(f"{error} Parts stay in {output.path} until they can be put into the lake.")


class SignalledRecording(NamedTuple):
    """The parts of a recording that signals act on: the target, the recorder if it exists, the event that ends it."""

    target: "Target"
    recorder: "Callable[[], Recorder | None]"
    stop: asyncio.Event


def handle_signals(recordings: Sequence[SignalledRecording]) -> None:
    """Let Ctrl-C and SIGTERM end all recordings. SIGHUP begins a new part of each folder; it ends the recording of a
    file, unless the process was started to ignore it (`nohup`).
    """
    from arirecord.capture.rotation import Folder

    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def end() -> None:
        for each in recordings:
            each.stop.set()

    def hang_up() -> None:
        for each in recordings:
            if not isinstance(each.target, Folder):
                if not is_ignored:
                    each.stop.set()
            elif (running := each.recorder()) is not None:
                running.split()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    if not is_ignored or any(isinstance(each.target, Folder) for each in recordings):
        loop.add_signal_handler(signal.SIGHUP, hang_up)


class _Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        self.number = number


def close_recording(recorder: "Recorder", ended: str) -> None:
    """Write all that waits to the journal. Raises `ClickException` if the disk refuses."""
    try:
        recorder.close(ended)
    except OSError as error:
        lost = recorder.stats.lost_count
        raise click.ClickException(
            f"The end of the recording could not be written ({error.strerror}): {lost:,} events are LOST, "
            f"{recorder.stats.events:,} are kept. Make room, then run `arirecord recover {recorder.part}.journal`."
        ) from error


def seal_recording(recorder: "Recorder") -> "tuple[Header, list[str]]":
    """Seal a closed recording, with a progress bar; see `Recorder.seal`.

    Ctrl-C and SIGTERM end the command at once and leave the journals. A closed terminal does not.
    """
    try:
        with _interruptible(), progress(recorder.kept_rows) as update:
            return recorder.seal(update, lambda parts: update(f"{parts} earlier parts", 0))
    except _Interrupted as interrupted:
        path = recorder.target.path if recorder.target.path.is_dir() else f"{recorder.part}.journal"
        warn(
            f"Sealing was stopped. The recording is safe: {recorder.kept_rows:,} rows are in sessions or journals. "
            f"Run `arirecord recover {path}`."
        )
        raise SystemExit(128 + interrupted.number) from None


@contextmanager
def _interruptible() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _Interrupted(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def report_losses(recorder: "Recorder", problems: list[str], name: str | None = None) -> bool:
    """Print what was recorded and what was not. Return whether anything was lost or not sealed.

    name: of one of several recordings.
    """
    stats, whose = recorder.stats, "" if name is None else f"{name}: "
    say(f"{whose}{recorder.output}: {stats.events:,} events, {stats.frame_bytes / 1e6:,.1f} MB of frames.")
    for problem in problems:
        warn(f"{whose}{problem}")
    if stats.lost_count:
        why = f"the recorder failed ({recorder.failure!r})" if recorder.failure else "the disk did not keep up"
        warn(f"{whose}{stats.lost_count:,} events were LOST: {why}.")
    return bool(problems or stats.lost_count or recorder.failure)
