"""`arirecord tap`."""

import asyncio
import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .access_options import access_options, check_access
from .console import LIVE_INTERVAL_S, LOST, is_watched, live_line, say, warn
from .output import Output, Verb
from .param_types import LISTEN
from .recording import (
    SignalledRecording,
    handle_signals,
    length_options,
    open_target,
    report_losses,
    seal_recording,
    target_option,
    tls_options,
)

if TYPE_CHECKING:
    from arirecord.capture.control import Control
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.rotation import Rotation, Target
    from arirecord.tap import Tap, TapOptions

__all__ = ["command"]

# The recorder's threads must yield to the event loop quickly: Python's 5 ms would be most of the tap's delay.
_SWITCH_INTERVAL_S = 0.0005


@click.command("tap", cls=Verb)
@click.option(
    "--listen",
    default="127.0.0.1:8089",
    show_default=True,
    type=LISTEN,
    metavar="[HOST:]PORT",
    help="Address for apps to connect to. Default host: this machine only; port 0: any free port.",
)
@click.option(
    "--upstream", default="http://127.0.0.1:8088/ari", show_default=True, help="URL of Asterisk's ARI: http or https."
)
@length_options
@target_option
@click.option(
    "--fan-out", is_flag=True, help="Send read-only copies of an app's events to further clients of the same app."
)
@click.option(
    "--max-behind",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    metavar="MIB",
    help="Disconnect a client that leaves this much unread.",
)
@access_options
@tls_options
def command(
    listen: tuple[str, int],
    upstream: str,
    rotate: "Rotation | None",
    lake: Path | None,
    duration: float | None,
    fan_out: bool,
    max_behind: int,
    allow_origin: tuple[str, ...],
    allow_host: tuple[str, ...],
    insecure_open: bool,
    ca: Path | None,
    insecure: bool,
    output: Output,
) -> None:
    """Record the events and REST requests of an ARI app, as a proxy between the app and Asterisk.

    The app connects to this proxy instead of to Asterisk, with its usual credentials. Events, REST requests (over HTTP
    or the WebSocket), refusals and closed connections pass through unchanged, and are recorded without credentials.
    Ctrl-C or SIGTERM ends the recording, seals it and disconnects the app. If recording fails, the proxy goes on and
    reports it; the exit code is 3 then.

    `arirecord capture` needs no change in production, but Asterisk sends StasisStart and StasisEnd to the owning app
    only, and a capture cannot see REST requests. Use tap to record these.

    With --fan-out, the first client of an app is the app; further clients of the same app receive a copy of its events.
    Without it, Asterisk would give the app to the latest client.

    \b
    Examples:
      arirecord tap --upstream http://pbx:8088/ari -o today.parquet
      arirecord tap --listen :9000 --upstream https://pbx:8089/ari --ca pbx.pem
      arirecord tap --listen 192.0.2.7:8089 --insecure-open -o days/ --rotate 1h
    """
    from arirecord.capture.address import Address
    from arirecord.tap import TapOptions

    host, port = listen
    address = Address.parse(upstream)
    if address.user is not None:
        say("The credentials in --upstream are not used: each app sends its own.")
    if insecure:
        warn("WARNING: certificates are not checked (--insecure). An attacker can read passwords and send requests.")
    check_access(
        host,
        allow_origin,
        allow_host,
        has_login=False,
        insecure_open=insecure_open,
        login_help=f"they would reach {address.http_base} through it, with unencrypted passwords. Give",
    )
    address = address.trusting(ca, insecure=insecure)
    options = TapOptions(
        address,
        host,
        port,
        fan_out=fan_out,
        max_behind_bytes=max_behind << 20,
        allow_origin=allow_origin,
        allow_host=allow_host,
    )
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.freeze()  # the collector skips all that is loaded by now: a full pass would delay the events
    target = open_target(output, rotate, lake)
    tapping = _Tapping(options, target, duration)
    try:
        with live_line(tapping.line):
            asyncio.run(tapping.run())
    except BaseException:
        if tapping.recorder is not None:
            with suppress(OSError):
                tapping.recorder.close("the tap failed")
        raise
    if tapping.recorder is not None:
        _finish(tapping.recorder, tapping.lost_count)


class _Tapping:
    """A running tap and its status line."""

    def __init__(self, options: "TapOptions", target: "Target", duration_s: float | None) -> None:
        self._options, self._target, self._duration_s = options, target, duration_s
        self.recorder: Recorder | None = None
        self._tap: Tap | None = None
        self._control: Control | None = None
        self._events_before = 0

    @property
    def lost_count(self) -> int:
        """The number of rows that were not recorded."""
        return self._tap.status.lost_count if self._tap else 0

    async def run(self) -> None:
        """Run until a signal or the end of the duration."""
        from arirecord.capture.control import Control
        from arirecord.tap import Tap

        stop = asyncio.Event()
        handle_signals([SignalledRecording(self._target, lambda: self.recorder, stop)])
        with Control(warn) as self._control:
            async with Tap(self._options, self._start, say) as self._tap:
                where = self._options.upstream.http_base
                say(f"Connect your app to {self._tap.url} instead of {where}. Ctrl-C ends the recording.")
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._duration_s)

    def _start(self) -> "Recorder":
        from arirecord.capture.recorder import Recorder

        self.recorder = Recorder(self._target, self._options.source, counts_channels=is_watched(), say=warn)
        if self._control is not None:
            self._control.begin(self.recorder)
        say(f"Recording to {self.recorder.target.path}.")
        return self.recorder

    def line(self) -> str:
        """Return the status line."""
        if self._tap is None or self.recorder is None:
            return "starting …"
        stats, status = self.recorder.stats, self._tap.status
        rate = (stats.events - self._events_before) / LIVE_INTERVAL_S
        self._events_before = stats.events
        text = (
            f"{status.applications} applications  {stats.events:,} events  {rate:,.0f}/s  "
            f"{status.rest_count:,} REST  {len(stats.channels_up):,} channels up  {stats.frame_bytes / 1e6:,.1f} MB"
        )
        if self._options.fan_out:
            text += f"  {status.copies} copies"
        return text + (f"  TROUBLE {stats.trouble}" if stats.trouble else "")


def _finish(recorder: "Recorder", lost_count: int) -> None:
    try:
        recorder.close()
        _, problems = seal_recording(recorder)
    except Exception as error:
        warn(
            f"The recording could not be finished ({error}); the apps were not affected. {recorder.stats.lost_count:,} "
            f"events are LOST. Make room, then run `arirecord recover {recorder.part}.journal`."
        )
        raise SystemExit(LOST) from error
    has_lost = report_losses(recorder, problems)
    if lost_count:
        warn(f"{lost_count:,} events or exchanges were NOT RECORDED; the applications were not affected.")
    if has_lost or lost_count:
        raise SystemExit(LOST)
