"""`arirecord filter`."""

from typing import TYPE_CHECKING

import click

from .console import progress, say
from .output import SESSION, Output, Verb, output_options
from .param_types import time_options, types_option
from .session_input import SessionInput, open_session, session_argument

if TYPE_CHECKING:
    from arirecord.select.times import Time

__all__ = ["command"]


@click.command("filter", cls=Verb)
@session_argument
@time_options()
@click.option("--call", "calls", multiple=True, metavar="ID", help="The call with this id or with this channel id.")
@click.option("--channel", "channels", multiple=True, help="This channel (id or name) and its bridges.")
@click.option(
    "--number", "numbers", multiple=True, help="Calls with this caller, connected or dialled number; '+420*' begins so."
)
@types_option("--type", "types", help="Only events of this type.")
@types_option("--exclude", help="No events of this type.")
@click.option("--app", "apps", multiple=True, help="Only events that this Stasis application received.")
@output_options(formats=SESSION, required=True, help="Session to write.")
def command(
    session: SessionInput,
    since: "Time | None",
    until: "Time | None",
    timezone: str,
    calls: tuple[str, ...],
    channels: tuple[str, ...],
    numbers: tuple[str, ...],
    types: tuple[str, ...],
    exclude: tuple[str, ...],
    apps: tuple[str, ...],
    output: Output,
) -> None:
    """Copy a part of a session to a new session: by time, call, channel, number, type or application.

    Options can be repeated: an event must match one value of each option. Frames and times stay unchanged. The
    snapshots from the start of the recording and the states of the connection are kept too. The new session's header
    names its source and the filter.

    \b
    Examples:
      arirecord filter today.parquet --call 1795474657.0 -o call.parquet
      arirecord filter today.parquet --since 14:00 --until 15:00 -o hour.parquet
      arirecord filter days/ --number +420123456789 -o complaint.parquet
      arirecord filter days/ --app ivr --exclude ChannelVarset -o ivr.parquet
    """
    from arirecord.errors import NothingKept
    from arirecord.transform.filter import Selection, filter_session

    from .selection import no_rows, unknown_names, windows_of

    opened = open_session(session, since, until, timezone, has_calls=bool(calls or channels or numbers))
    windows = windows_of(opened, since, until, timezone)
    selection = Selection(
        since_ns=windows[0].begin and windows[0].begin.ns,
        until_ns=windows[-1].end and windows[-1].end.ns,
        windows_ns=tuple((begin.ns, end.ns) for begin, end in windows if begin and end) if windows[1:] else (),
        calls=calls,
        channels=channels,
        numbers=numbers,
        types=types,
        exclude=exclude,
        applications=apps,
    )
    if not selection.describe():
        raise click.UsageError("Nothing to filter by: give an option, for example --call ID or --since +5m.")
    unknown = unknown_names(opened, types, exclude, apps)
    try:
        with progress() as update:
            header = filter_session(opened, selection, output.required_path, force=output.force, progress=update)
    except NothingKept as error:
        options = {"--since": since, "--until": until, "--call": calls, "--channel": channels, "--number": numbers}
        options |= {"--type": types, "--exclude": exclude, "--app": apps}
        reason = no_rows("events", opened, options, timezone, unknown)
        raise click.ClickException(f"{reason} No session is made.") from error
    say(" ".join([f"{output.path}: {header.events:,} of {opened.header.events:,} events.", *unknown]))
