"""`arirecord filter`."""

from datetime import datetime, timedelta
from pathlib import Path

import click

from .completions import complete_event_types
from .terminal import progress, say
from .types import MOMENT, Moment

__all__ = ["command"]


@click.command("filter")
@click.argument("session", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Session to write.")
@click.option("--since", type=MOMENT, help="Only from then on: 2026-11-23T14:03:10 (UTC) or +5m from the start.")
@click.option("--until", type=MOMENT, help="Only before then.")
@click.option("--call", "calls", multiple=True, metavar="ID", help="The call with this id or with this channel id.")
@click.option("--channel", "channels", multiple=True, help="This channel (id or name) and its bridges.")
@click.option("--number", "numbers", multiple=True, help="Calls with this caller, called or dialled number.")
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    shell_complete=complete_event_types,
    help="Only events of this type.",
)
@click.option(
    "--exclude", multiple=True, metavar="TYPE", shell_complete=complete_event_types, help="No events of this type."
)
@click.option("--app", "apps", multiple=True, help="Only events that this Stasis application received.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def command(
    session: Path,
    output: Path,
    since: datetime | timedelta | None,
    until: datetime | timedelta | None,
    calls: tuple[str, ...],
    channels: tuple[str, ...],
    numbers: tuple[str, ...],
    types: tuple[str, ...],
    exclude: tuple[str, ...],
    apps: tuple[str, ...],
    force: bool,
) -> None:
    """Copy a part of a session to a new session: by time, call, channel, number, type or application.

    Options can be repeated: an event must match one value of each option. Frames and times stay unchanged. The
    snapshots from the start of the recording and the states of the connection are kept too. The new session's header
    names its source and the filter.

    \b
    Examples:
      arirecord filter today.parquet --call 1795474657.0 -o call.parquet
      arirecord filter today.parquet --since 2026-11-23T14:00 --until 2026-11-23T15:00 -o hour.parquet
      arirecord filter days/ --number +420123456789 -o complaint.parquet
      arirecord filter today.parquet --app ivr --exclude ChannelVarset --exclude ChannelDialplan -o ivr.parquet
    """
    from arirecord.handling.filter import Selection, filter_session
    from arirecord.session.reader import open_session

    opened = open_session(session)
    start_ns = opened.header.started_ns + opened.header.first_elapsed_ns
    selection = Selection(
        since_ns=Moment.to_ns(since, start_ns),
        until_ns=Moment.to_ns(until, start_ns),
        calls=calls,
        channels=channels,
        numbers=numbers,
        types=types,
        exclude=exclude,
        applications=apps,
    )
    if not selection.describe():
        raise click.UsageError("Nothing to filter by: give an option, for example --call ID or --since +5m.")
    with progress() as update:
        header = filter_session(opened, selection, output, force=force, progress=update)
    say(f"{output}: {header.events:,} of {opened.header.events:,} events.")
