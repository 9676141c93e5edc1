"""Run the recordings of `arirecord capture`: one, or several in one process that do not affect each other."""

import asyncio
import selectors
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any

import click

from arirecord.errors import ArirecordError
from arirecord.printable import printable
from arirecord.select.units import duration_text

from .console import LOST, is_watched, live_line, say, voice, warn
from .recording import SignalledRecording, close_recording, handle_signals, report_losses, seal_recording

if TYPE_CHECKING:
    from arirecord.capture.control import Control
    from arirecord.capture.listener import Listener, ListenOptions
    from arirecord.capture.reconnect import Capture, CaptureOptions, Ending
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.rotation import Target

__all__ = ["CaptureRecording", "run_one", "run_several"]

_PENDING_BYTES = 1 << 30
"""Memory for frames that wait for the disk, of all recordings of the process."""
_SILENT_S = 10.0
"""The line of health names a longer time without events."""


class CaptureRecording:
    """One recording, made at the first connection.

    name: of one of several recordings; it precedes each message. None: the only one.
    error: what the only recording of the process ended with.
    failure: the error that ended it, or prevents it; None: no error.
    has_lost: something of it was lost.
    """

    def __init__(
        self, options: "CaptureOptions | ListenOptions", target: "Target", sync_s: float, name: str | None = None
    ) -> None:
        self.target, self.name = target, name
        self.recorder: Recorder | None = None
        self.ending: Ending | None = None
        self.error: ArirecordError | OSError | None = None
        self.failure: str | None = None
        self.is_sealed = self.has_lost = False
        self.stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.max_pending_bytes = _PENDING_BYTES
        self._options, self._sync_s = options, sync_s
        self._capture: Capture | Listener | None = None
        self._control: Control | None = None
        self._events_before, self._looked_ns = 0, time_ns()

    @property
    def signalled(self) -> SignalledRecording:
        """Return the parts of the recording that signals act on."""
        return SignalledRecording(self.target, lambda: self.recorder, self.stop)

    def say(self, text: str) -> None:
        """Print a message, with the name of the recording."""
        say(self._named(text))

    def warn(self, text: str) -> None:
        """Print a message also with `--quiet`, with the name of the recording."""
        warn(self._named(text))

    def _named(self, text: str) -> str:
        return text if self.name is None else f"{self.name}: {text}"

    def start(self) -> "Recorder":
        """Return the recorder. Raises as `Recorder` does."""
        if self.recorder is None:
            from arirecord.capture.recorder import Recorder

            self.recorder = Recorder(
                self.target,
                self._options.source,
                sync_interval_s=self._sync_s,
                max_pending_bytes=self.max_pending_bytes,
                counts_channels=is_watched(),
                say=self.warn,
                on_failure=self._on_failure,
            )
            if self._control is not None:
                self._control.begin(self.recorder)
            self.say(f"Recording to {self.target.path}. Ctrl-C ends it.")
        return self.recorder

    def _on_failure(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.stop.set)

    async def run(self) -> None:
        """Record until `stop` is set, a limit is reached, or the stream ends. Raises as `Capture.run` does."""
        from arirecord.capture.control import Control
        from arirecord.capture.listener import Listener
        from arirecord.capture.reconnect import Capture, CaptureOptions

        self._loop = asyncio.get_running_loop()
        with Control(self.warn) as self._control:
            if isinstance(self._options, CaptureOptions):
                self._capture = Capture(self._options, self.start, self.say)
            else:
                self._capture = Listener(self._options, self.start, self.say)
            self.ending = await self._capture.run(self.stop)

    def line(self) -> str:
        """Return one line of health: state, counts since the start, and events a second since the last line."""
        now_ns = time_ns()
        passed_s, self._looked_ns = max(now_ns - self._looked_ns, 1) / 1e9, now_ns
        trouble = getattr(self._capture, "trouble", None)
        if self.recorder is None:
            return self._named(f"FAILED {self.failure}" if self.failure else trouble or "connecting …")
        stats = self.recorder.stats
        rate = (stats.events - self._events_before) / passed_s
        self._events_before = stats.events
        channels = f"{len(stats.channels_up):,} channels up  " if is_watched() else ""  # counted only then
        text = (
            f"{stats.events:,} events  {rate:,.0f}/s  {channels}{stats.frame_bytes / 1e6:,.1f} MB  "
            f"{stats.gap_count} gaps"
        )
        if stats.lost_count:
            text += f"  {stats.lost_count:,} LOST"
        if stats.parts > 1:
            text += f"  part {stats.parts}"
        return self._named(f"{text}{self._state(now_ns)}")

    def _state(self, now_ns: int) -> str:
        assert self.recorder is not None
        if self.failure is not None:
            return f"  FAILED {self.failure}"
        if self.ending is not None:
            return f"  ended: {self.ending.why}"
        if trouble := self.recorder.stats.trouble or getattr(self._capture, "trouble", None):
            return f"  TROUBLE {trouble}"
        silent_s = (now_ns - self.recorder.last_ns) / 1e9 if self.recorder.last_ns else 0.0
        return f"  no event for {duration_text(silent_s)}" if silent_s > _SILENT_S else ""

    def close(self) -> None:
        """Write all that waits to the journal. Raises `click.ClickException` if the disk refuses."""
        why = self.failure or (self.ending.why if self.ending is not None else "stopped")
        close_recording(self.start(), "complete" if self.ending is not None and self.ending.is_wanted else why)

    def seal(self, *, in_main_thread: bool = True) -> bool:
        """Seal the closed recording and report its losses. Return whether anything was lost.

        in_main_thread: show progress, and let a signal end it.
        """
        recorder, self.is_sealed = self.start(), True
        header, problems = seal_recording(recorder) if in_main_thread else recorder.seal()
        if self.ending is not None:
            self.say(f"{self.ending.why[0].upper()}{self.ending.why[1:]}.")
        has_lost = report_losses(recorder, problems, self.name)
        if header.drift_count:
            self.say(f"Differences from the ARI documentation: {header.drift_count:,}; `arirecord info` lists them.")
        if gaps := recorder.stats.gap_count:
            self.warn(f"Gaps in the recording: {gaps:,}; `arirecord cat --all-kinds` shows when.")
        return bool(has_lost or gaps or self.ending is None or not self.ending.is_wanted)


def run_one(recording: CaptureRecording, health_s: float | None) -> None:
    """Run the only recording of the process. Exits with 1 or `LOST` as docs/production.md says."""
    with live_line(recording.line), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_ended([recording], [_run_alone(recording)], health_s))
    if recording.error is not None:
        raise recording.error
    recording.close()
    has_lost = recording.seal()
    if recording.start().failure is not None:
        raise SystemExit(1)
    if has_lost:
        raise SystemExit(LOST)


def run_several(recordings: Sequence[CaptureRecording], failures: Mapping[str, str], health_s: float | None) -> None:
    """Run several recordings, each to its own end. One that fails does not stop the others.

    failures: why further recordings cannot begin, by name.

    Exits with `LOST` if anything of any recording was lost, and with 1 if no recording was made.
    """
    failed = [f"{name}: FAILED {why}" for name, why in failures.items()]
    for line in failed:
        warn(f"{line}. The other recordings go on.")
    for each in recordings:
        each.max_pending_bytes = _PENDING_BYTES // len(recordings)
    with live_line(lambda: "\n".join(map(printable, [*(each.line() for each in recordings), *failed]))):
        asyncio.run(_until_ended(recordings, [_run_apart(each) for each in recordings], health_s, failed))
    made = [each for each in recordings if each.recorder is not None]
    unsealed = [each for each in made if not each.is_sealed]
    for each in unsealed:  # all rows are in journals before the first is sealed, which a second signal may end
        _try(each, each.close)
    for each in unsealed:
        _try(each, each.seal)
    for each in recordings:
        if each.recorder is None:
            each.warn(f"Nothing was recorded: {each.failure or 'there was no connection'}.")
    for line in failed:
        warn(f"{line}. Nothing was recorded.")
    if failed or any(each.has_lost or each.recorder is None for each in recordings):
        raise SystemExit(LOST if made else 1)


async def _until_ended(
    recordings: Sequence[CaptureRecording],
    runs: Sequence[Coroutine[Any, Any, None]],
    health_s: float | None,
    failed: Sequence[str] = (),
) -> None:
    handle_signals([each.signalled for each in recordings])
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(run) for run in runs]
        reporting = tasks.create_task(_report_health(recordings, failed, health_s)) if health_s is not None else None
        if running:
            await asyncio.wait(running)
        if reporting is not None:
            reporting.cancel()


async def _report_health(recordings: Sequence[CaptureRecording], failed: Sequence[str], interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        for line in (*(each.line() for each in recordings), *failed):
            say(line)


async def _run_alone(recording: CaptureRecording) -> None:
    try:
        await recording.run()
    except (ArirecordError, OSError) as error:
        recording.error = error  # raised from within it would be a group of exceptions


async def _run_apart(recording: CaptureRecording) -> None:
    """Run one of several; report its errors. If it ends before it is stopped, seal it while the others go on."""
    try:
        await recording.run()
    except (ArirecordError, OSError) as error:
        recording.failure = str(error)
    except Exception as error:  # a fault of this recording must not end the others
        recording.failure = repr(error)
        if voice.is_verbose:
            warn(traceback.format_exc())
    recorder = recording.recorder
    if recorder is not None and recorder.failure is not None:
        recording.failure = f"the recorder failed ({recorder.failure!r})"
    if recording.failure is not None:
        recording.has_lost = True
        recording.warn(f"FAILED: {recording.failure}. The other recordings go on.")
    if recorder is not None and (recording.failure is not None or not recording.stop.is_set()):
        await asyncio.to_thread(_try, recording, recording.close)
        await asyncio.to_thread(_try, recording, partial(recording.seal, in_main_thread=False))


def _try(recording: CaptureRecording, step: Callable[[], bool | None]) -> None:
    """Run a step that returns whether anything was lost. Report its error."""
    try:
        recording.has_lost |= bool(step())
    except (click.ClickException, ArirecordError, OSError) as error:
        recording.has_lost = True
        recording.warn(error.message if isinstance(error, click.ClickException) else str(error))


def _loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Return our own event loop on Linux. On other systems asyncio's is used; it needs half as much CPU time again."""
    if not hasattr(selectors, "EpollSelector"):
        return None
    from arirecord.capture.event_loop import CaptureLoop

    return CaptureLoop
