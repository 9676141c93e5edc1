"""`arirecord capture`: options and `[[capture]]` tables become recordings."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from arirecord.errors import ArirecordError

from .access_options import access_options, check_access
from .capture_run import CaptureRecording, run_one, run_several
from .console import warn
from .output import Output, Verb
from .param_types import DURATION, LISTEN, types_option
from .recording import length_options, open_target, target_option, tls_options
from .settings_file import RepeatedTable, is_of_folder, repeated_tables

if TYPE_CHECKING:
    from arirecord.capture.address import Address
    from arirecord.capture.rotation import Rotation

__all__ = ["command"]

_ARGUMENTS = f"{__name__}.arguments"
_NAME = f"{__name__}.name"
_OF_ONE = ("url", "listen", "output")
"""Parameters that several recordings cannot share."""


class _CaptureVerb(Verb):
    """Makes a recording of the command line, or one of each `[[capture]]` table, and runs them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta.setdefault(_ARGUMENTS, [*args])
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        chosen: tuple[str, ...] = ctx.params.pop("only")
        health_s: float | None = ctx.params.pop("health_s")
        sys.setswitchinterval(0.001)  # the reader, the recorder and the snapshots must not wait long for one another
        tables = _chosen_tables(ctx, chosen)
        if not tables:
            run_one(super().invoke(ctx), health_s)
            return
        recordings: list[CaptureRecording] = []
        failures: dict[str, str] = {}
        for name, table in tables.items():
            try:
                recordings.append(self._recording(ctx, name, table))
            except (ArirecordError, OSError) as error:
                failures[name] = str(error)
        for number, each in enumerate(recordings):
            if others := [other.name for other in recordings[:number] if other.target.path == each.target.path]:
                raise click.UsageError(f"{others[0]} and {each.name} record to {each.target.path}: each needs its own")
        run_several(recordings, failures, health_s)

    def _recording(self, ctx: click.Context, name: str, table: RepeatedTable) -> CaptureRecording:
        """Parse the command line once more, with a table as its defaults."""
        try:
            one = self.make_context(
                ctx.info_name, [*ctx.meta[_ARGUMENTS]], parent=ctx.parent, default_map={**table.defaults}
            )
            for parameter in ("only", "health_s"):
                one.params.pop(parameter)
            one.meta[_NAME] = name
            with one:
                recording: CaptureRecording = super().invoke(one)
            return recording
        except click.ClickException as error:
            error.message = f"{name}: {error.message}"  # type: ignore[misc]  # final
            raise


def _chosen_tables(ctx: click.Context, chosen: tuple[str, ...]) -> dict[str, RepeatedTable]:
    """Return the `[[capture]]` tables to record, by name; all if none is chosen."""
    tables: dict[str, RepeatedTable] = {}
    for table in repeated_tables(ctx):
        name = table.name or _default_name(table)
        if name in tables:
            raise click.ClickException(f"{table.path}: two [[capture]] tables are named {name!r}. Give each a name")
        tables[name] = table
    if unknown := {*chosen} - tables.keys():
        known = f"They are named {', '.join(tables)}" if tables else "The settings have none"
        raise click.UsageError(f"No [[capture]] table is named {min(unknown)!r}. {known}.")
    if chosen:
        tables = {name: table for name, table in tables.items() if name in chosen}
    given = [name for name in _OF_ONE if ctx.get_parameter_source(name) in _GIVEN]
    if len(tables) > 1 and given:
        path = next(iter(tables.values())).path
        raise click.UsageError(
            f"--{given[0]} is of one recording, but {path} has {len(tables)} [[capture]] tables. Choose one with "
            "--only NAME, or leave the file out: `arirecord --no-config capture …`."
        )
    return tables


_GIVEN = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)


def _default_name(table: RepeatedTable) -> str:
    """Return the host, without a password that its URL may hold, or the port to listen at."""
    defaults = table.defaults
    if "listen" in defaults:
        return f"listen {defaults['listen']}"
    return urlsplit(str(defaults.get("url", ""))).hostname or "127.0.0.1"


@click.command("capture", cls=_CaptureVerb)
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
@length_options
@click.option("--max-events", type=click.IntRange(min=1), help="Stop after this many events.")
@target_option
@click.option(
    "--reconnect/--no-reconnect", default=True, show_default=True, help="Reconnect when the connection is lost."
)
@click.option("--takeover", is_flag=True, help="Take the application over from another client, and keep it.")
@click.option(
    "--formats/--no-formats",
    default=True,
    show_default=True,
    help="Request the format of each channel that talks, once: the table `turns` needs its sample rate.",
)
@types_option("--filter", "allowed", help="Receive only events of this type (repeatable).")
@types_option("--exclude", "disallowed", help="Receive no events of this type (repeatable).")
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
@click.option(
    "--only", multiple=True, metavar="NAME", help="Record only this [[capture]] table of the settings (repeatable)."
)
@click.option("--health", "health_s", type=DURATION, help="Print a line of health for each recording this often.")
@tls_options
def command(
    url: str,
    user: str | None,
    application: str,
    subscribe_all: bool,
    rotate: "Rotation | None",
    lake: Path | None,
    duration: float | None,
    max_events: int | None,
    reconnect: bool,
    takeover: bool,
    formats: bool,
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
) -> CaptureRecording:
    """Record the ARI event stream of a running Asterisk.

    Ctrl-C or SIGTERM ends the recording and seals it to a session. After a crash, `arirecord recover` seals the
    journal. If the connection drops, arirecord reconnects and marks the gap; the exit code is 3 then. SIGHUP starts a
    new part of a folder, and ends the recording of a file.

    [[capture]] tables in your settings file or in that of --config record several servers in one process.

    Capture is passive. Asterisk sends StasisStart and StasisEnd only to the owning app: to record an app's events and
    REST requests, use `arirecord tap`.

    \b
    Examples:
      arirecord capture --url http://pbx:8088/ari --user ari -o today.parquet
      arirecord capture --user ari:secret --app rec --duration 30s
      ARIRECORD_PASSWORD=secret arirecord capture --user ari -o days/ --rotate 1h
      arirecord capture -o /var/spool/arirecord/ --rotate 1h --lake /srv/lake
      arirecord capture --exclude ChannelVarset -o small.parquet
      arirecord capture --listen 127.0.0.1:9000 -o outbound.parquet
      arirecord --config servers.toml capture --health 5m
    """
    from arirecord.capture.address import Address
    from arirecord.capture.listener import ListenOptions
    from arirecord.capture.reconnect import CaptureOptions

    name: str | None = click.get_current_context().meta.get(_NAME)
    address = Address.parse(url, user, _password(name))
    _check_host(address, url, user)
    address = _with_password(address, name)
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
            formats=formats,
            allowed=allowed,
            disallowed=disallowed,
            keepalive_s=keepalive_s,
            waits=name is not None,
        )
    return CaptureRecording(options, open_target(output, rotate, lake), sync_s, name)


def _check_host(address: "Address", url: str, user: str | None) -> None:
    """Fail if the user's password would go to a host that a settings file found in a folder names."""
    context = click.get_current_context()
    has_own_password = (is_of_folder(context, "user") and ":" in (user or "")) or urlsplit(url).password is not None
    if is_of_folder(context, "url") and address.user is not None and not has_own_password:
        raise click.UsageError(
            f"The password would go to {address.http_base}, which a settings file found in a folder names. Give --url, "
            "or name the file: `arirecord --config FILE capture`."
        )


def _password(name: str | None) -> str | None:
    """Return the password of a recording from the environment."""
    common = os.environ.get("ARIRECORD_PASSWORD")
    return common if name is None else os.environ.get(_password_variable(name), common)


def _password_variable(name: str) -> str:
    return f"ARIRECORD_PASSWORD_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def _with_password(address: "Address", name: str | None) -> "Address":
    if address.user is None or address.password is not None:
        return address
    variables = "ARIRECORD_PASSWORD" if name is None else f"{_password_variable(name)} or ARIRECORD_PASSWORD"
    if not sys.stdin.isatty():
        raise click.UsageError(f"No password for {address.user}: set {variables} or give --user NAME:PASSWORD.")
    from dataclasses import replace

    whose = address.user if name is None else f"{address.user} at {name}"
    return replace(address, password=click.prompt(f"Password of {whose}", hide_input=True, err=True))
