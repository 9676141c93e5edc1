"""`arirecord capture`."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .terminal import LIVE_INTERVAL_S, LOST, live_line, progress, say
from .types import DURATION

if TYPE_CHECKING:
    from arirecord.capture.client import CaptureOptions, Ending
    from arirecord.capture.parts import SingleFile
    from arirecord.capture.recorder import Recorder

__all__ = ["command"]


@click.command("capture")
@click.option(
    "--url",
    default="http://127.0.0.1:8088/ari",
    show_default=True,
    help="Where the ARI is; https and wss too.",
)
@click.option("--user", help="NAME or NAME:PASSWORD. Else the password comes from ARIRECORD_PASSWORD or a prompt.")
@click.option("--app", "application", default="arirecord", show_default=True, help="Stasis application to listen as.")
@click.option(
    "--subscribe-all/--no-subscribe-all",
    default=True,
    show_default=True,
    help="Hear of everything, not only of the app's own.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="session.parquet", show_default=True)
@click.option("--duration", type=DURATION, help="Stop after this long: 30s, 5m, 1h30m.")
@click.option("--max-events", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(
    url: str,
    user: str | None,
    application: str,
    subscribe_all: bool,
    output: Path,
    duration: float | None,
    max_events: int | None,
    force: bool,
) -> None:
    """Record the event stream of a running Asterisk, losing nothing.

    Ctrl-C or SIGTERM ends the recording and seals it. Should the machine die, `arirecord recover` seals what was
    received.

    \b
    Examples:
      arirecord capture --url http://pbx:8088/ari --user ari -o today.parquet
      arirecord capture --user ari:secret --app rec --duration 30s
      ARIRECORD_PASSWORD=secret arirecord capture --user ari --max-events 1000 --force
    """
    from arirecord.capture.address import Address
    from arirecord.capture.client import CaptureOptions
    from arirecord.capture.parts import SingleFile

    target = SingleFile(output, force=force)
    target.open()
    address = Address.parse(url, user, os.environ.get("ARIRECORD_PASSWORD"))
    if address.user is not None and address.password is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                f"no password for {address.user}: set ARIRECORD_PASSWORD or give --user NAME:PASSWORD"
            )
        password = click.prompt(f"Password of {address.user}", hide_input=True, err=True)
        address = Address(address.base, address.user, password)
    options = CaptureOptions(address, application, subscribe_all, duration, max_events)
    recording = _Recording(options, target)
    with live_line(recording.line):
        ending = asyncio.run(recording.run())
    _finish(recording.start(), ending)


class _Recording:
    """The recorder, made once there is a connection, and the line that tells of it."""

    def __init__(self, options: "CaptureOptions", target: "SingleFile") -> None:
        self._options, self._target = options, target
        self._recorder: Recorder | None = None
        self._events_before = 0

    def start(self) -> "Recorder":
        if self._recorder is None:
            from arirecord.capture.recorder import Recorder

            self._recorder = Recorder(self._target, self._options.source)
            say(
                f"Recording {self._options.address.base} as application {self._options.application!r} "
                f"to {self._target.path}. Ctrl-C ends it."
            )
        return self._recorder

    async def run(self) -> "Ending":
        from arirecord.capture.client import capture

        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await capture(self._options, self.start, stop)

    def line(self) -> str:
        if self._recorder is None:
            return "connecting …"
        stats = self._recorder.stats
        rate = (stats.events - self._events_before) / LIVE_INTERVAL_S
        self._events_before = stats.events
        text = (
            f"{stats.events:,} events  {rate:,.0f}/s  {len(stats.channels_up):,} channels up  "
            f"{stats.frame_bytes / 1e6:,.1f} MB  {stats.gap_count} gaps"
        )
        return text + (f"  TROUBLE {stats.trouble}" if stats.trouble else "")


def _finish(recorder: "Recorder", ending: "Ending") -> None:
    try:
        recorder.close("complete" if ending.is_wanted else ending.why)
    except OSError as error:
        raise click.ClickException(
            f"the end of the recording could not be written ({error.strerror}). Make room, then "
            f"`arirecord recover {recorder.part}.journal` seals what there is"
        ) from error
    with progress(recorder.stats.rows) as update:
        header, _ = recorder.seal(update)
    say(f"{ending.why[0].upper()}{ending.why[1:]}.")
    say(f"{recorder.part}: {header.events:,} events in {header.duration_ns / 1e9:.1f} s.")
    if header.drift_count:
        say(f"{header.drift_count:,} times the stream differed from the catalogue of ARI; `arirecord info` says where.")
    if header.lost_count:
        say(f"{header.lost_count:,} events were LOST: the disk did not keep up.")
    if header.lost_count or not ending.is_wanted:
        raise SystemExit(LOST)
