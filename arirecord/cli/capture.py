"""`arirecord capture`."""

import asyncio
import os
import selectors
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from .access_options import access_options, check_access
from .completion import complete_event_types
from .console import LIVE_INTERVAL_S, LOST, is_watched, live_line, say, warn
from .output import SESSION, Input, Output, Verb, output_options
from .param_types import DURATION, LISTEN, ROTATION
from .recording_end import close_recording, report_losses, seal_recording
from .recording_run import handle_signals
from .recording_target import open_target
from .settings_file import is_of_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from arirecord.capture.address import Address
    from arirecord.capture.client import CaptureOptions, Ending
    from arirecord.capture.control import Control
    from arirecord.capture.listener import ListenOptions
    from arirecord.capture.recorder import Recorder
    from arirecord.capture.rotation import Rotation, Target

__all__ = ["command"]


@click.command("capture", cls=Verb)
@click.option(
    "--url", default="http://127.0.0.1:8088/ari", show_default=True, help="URL of the ARI: http, https, ws or wss."
)
@click.option("--user", help="NAME or NAME:PASSWORD. Default for the password: ARIRECORD_PASSWORD, or a prompt.")
@click.option("--app", "application", default="arirecord", show_default=True, help="Stasis application to register as.")
@click.option(
    "--subscribe-all/--no-subscribe-all",
    default=True,
    show_default=True,
    help="Receive events of all channels, bridges and endpoints.",
)
@click.option("--rotate", type=ROTATION, help="Start a new part in the folder -o after 1h, 256MB or 1000000 (rows).")
@click.option("--duration", type=DURATION, help="Stop after this time: 30s, 5m, 1h30m.")
@click.option("--max-events", type=click.IntRange(min=1), help="Stop after this many events.")
@output_options(
    formats=SESSION,
    is_folder=lambda given: given["rotate"] is not None,
    default="session.parquet",
    show_default=True,
    help="Output file, or a folder for parts: DIR/.",
)
@click.option(
    "--reconnect/--no-reconnect", default=True, show_default=True, help="Reconnect when the connection is lost."
)
@click.option("--takeover", is_flag=True, help="Take the application over from another client, and keep it.")
@click.option(
    "--filter",
    "allowed",
    multiple=True,
    metavar="TYPE",
    shell_complete=complete_event_types,
    help="Receive only events of this type (repeatable).",
)
@click.option(
    "--exclude",
    "disallowed",
    multiple=True,
    metavar="TYPE",
    shell_complete=complete_event_types,
    help="Receive no events of this type (repeatable).",
)
@click.option(
    "--listen",
    type=LISTEN,
    metavar="[HOST:]PORT",
    help="Wait for Asterisk to connect (outbound WebSocket) instead of connecting to it.",
)
@access_options
@click.option(
    "--sync", "sync_s", type=DURATION, default=1, show_default="1s", help="Sync the journal to disk this often."
)
@click.option(
    "--keepalive", "keepalive_s", type=DURATION, default=20, show_default="20s", help="Send a ping this often."
)
@click.option("--ca", type=Input(must_exist=True), help="Trust this certificate authority (PEM).")
@click.option("--insecure", is_flag=True, help="Do not check certificates (unsafe).")
def command(
    url: str,
    user: str | None,
    application: str,
    subscribe_all: bool,
    rotate: "Rotation | None",
    duration: float | None,
    max_events: int | None,
    reconnect: bool,
    takeover: bool,
    allowed: tuple[str, ...],
    disallowed: tuple[str, ...],
    listen: tuple[str, int] | None,
    allow_origin: tuple[str, ...],
    allow_host: tuple[str, ...],
    insecure_open: bool,
    sync_s: float,
    keepalive_s: float,
    ca: Path | None,
    insecure: bool,
    output: Output,
) -> None:
    """Record the ARI event stream of a running Asterisk.

    Ctrl-C or SIGTERM ends the recording and seals it to a session. After a crash, `arirecord recover` seals the
    journal. If the connection drops, arirecord reconnects and marks the gap; the exit code is 3 then. SIGHUP starts a
    new part of a folder, and ends the recording of a file.

    Capture is passive. Asterisk sends StasisStart and StasisEnd only to the owning app: to record an app's events and
    REST requests, use `arirecord tap`.

    \b
    Examples:
      arirecord capture --url http://pbx:8088/ari --user ari -o today.parquet
      arirecord capture --user ari:secret --app rec --duration 30s
      ARIRECORD_PASSWORD=secret arirecord capture --user ari -o days/ --rotate 1h
      arirecord capture --exclude ChannelVarset --exclude ChannelDialplan -o small.parquet
      arirecord capture --listen 127.0.0.1:9000 -o outbound.parquet
    """
    from arirecord.capture.address import Address
    from arirecord.capture.client import CaptureOptions
    from arirecord.capture.listener import ListenOptions

    address = Address.parse(url, user, os.environ.get("ARIRECORD_PASSWORD"))
    _check_host(address, url, user)
    address = _with_password(address)
    if insecure:
        warn("WARNING: certificates are not checked (--insecure). An attacker can read the password and forge events.")
    options: CaptureOptions | ListenOptions
    if listen is not None:
        check_access(
            listen[0],
            allow_origin,
            allow_host,
            has_login=address.user is not None,
            insecure_open=insecure_open,
            login_help="give --user NAME, the name with which Asterisk logs in, or",
        )
        options = ListenOptions(
            *listen,
            address.user,
            address.password,
            duration,
            max_events,
            keepalive_s,
            allow_origin=allow_origin,
            allow_host=allow_host,
        )
    else:
        options = CaptureOptions(
            address.trusting(ca, insecure=insecure),
            application,
            subscribe_all,
            duration,
            max_events,
            reconnect=reconnect,
            takeover=takeover,
            allowed=allowed,
            disallowed=disallowed,
            keepalive_s=keepalive_s,
        )
    sys.setswitchinterval(0.001)  # the reader, the recorder and the snapshots must not wait long for one another
    recording = _Recording(options, open_target(output, rotate), sync_s)
    with live_line(recording.line), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        ending = runner.run(recording.run())
    _finish(recording.start(), ending)


def _check_host(address: "Address", url: str, user: str | None) -> None:
    """Fail if the user's password would go to a host that a settings file found in a folder names."""
    context = click.get_current_context()
    has_own_password = (is_of_folder(context, "user") and ":" in (user or "")) or urlsplit(url).password is not None
    if is_of_folder(context, "url") and address.user is not None and not has_own_password:
        raise click.UsageError(
            f"The password would go to {address.http_base}, which a settings file found in a folder names. Give --url, "
            "or name the file: `arirecord --config FILE capture`."
        )


def _with_password(address: "Address") -> "Address":
    if address.user is None or address.password is not None:
        return address
    if not sys.stdin.isatty():
        raise click.UsageError(f"No password for {address.user}: set ARIRECORD_PASSWORD or give --user NAME:PASSWORD.")
    from dataclasses import replace

    return replace(address, password=click.prompt(f"Password of {address.user}", hide_input=True, err=True))


class _Recording:
    """The recorder, made at the first connection, and its status line."""

    def __init__(self, options: "CaptureOptions | ListenOptions", target: "Target", sync_s: float) -> None:
        self._options, self._target, self._sync_s = options, target, sync_s
        self._recorder: Recorder | None = None
        self._control: Control | None = None
        self._on_failure: Callable[[], object] = lambda: None
        self._events_before = 0

    def start(self) -> "Recorder":
        if self._recorder is None:
            from arirecord.capture.recorder import Recorder

            self._recorder = Recorder(
                self._target,
                self._options.source,
                sync_interval_s=self._sync_s,
                counts_channels=is_watched(),
                say=warn,
                on_failure=self._on_failure,
            )
            if self._control is not None:
                self._control.begin(self._recorder)
            say(f"Recording to {self._target.path}. Ctrl-C ends it.")
        return self._recorder

    async def run(self) -> "Ending":
        from arirecord.capture.client import Capture, CaptureOptions
        from arirecord.capture.control import Control
        from arirecord.capture.listener import Listener

        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._on_failure = lambda: loop.call_soon_threadsafe(stop.set)
        handle_signals(self._target, lambda: self._recorder, stop)
        with Control(warn) as self._control:
            if isinstance(self._options, CaptureOptions):
                return await Capture(self._options, self.start, say).run(stop)
            return await Listener(self._options, self.start, say).run(stop)

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
        if stats.parts > 1:
            text += f"  part {stats.parts}"
        return text + (f"  TROUBLE {stats.trouble}" if stats.trouble else "")


def _finish(recorder: "Recorder", ending: "Ending") -> None:
    close_recording(recorder, "complete" if ending.is_wanted else ending.why)
    header, problems = seal_recording(recorder)
    say(f"{ending.why[0].upper()}{ending.why[1:]}.")
    has_lost = report_losses(recorder, problems)
    if header.drift_count:
        say(f"Differences from the ARI documentation: {header.drift_count:,}; `arirecord info` lists them.")
    if gaps := recorder.stats.gap_count:
        warn(f"Gaps in the recording: {gaps:,}; `arirecord cat --all-kinds` shows when.")
    if recorder.failure is not None:
        raise SystemExit(1)
    if gaps or has_lost or not ending.is_wanted:
        raise SystemExit(LOST)


def _loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Return our own event loop on Linux. On other systems asyncio's is used; it needs half as much CPU time again."""
    if not hasattr(selectors, "EpollSelector"):
        return None
    from arirecord.capture.event_loop import CaptureLoop

    return CaptureLoop
