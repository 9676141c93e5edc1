"""`arirecord replay`."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from arirecord.replay.options import ReplayOptions

from .access_options import check_access
from .console import live_line, say
from .output import Verb
from .param_types import DURATION, time_options
from .replay_keys import ReplayLine, clock, keys, sharp_timers
from .replay_types import call_starts, find_call, option_of, values_of
from .session_input import SessionInput, open_session, session_argument

if TYPE_CHECKING:
    from arirecord.replay.server import ReplayServer
    from arirecord.select.times import Position, RecordingSpan, Time, Window
    from arirecord.session.reader import SessionFile

__all__ = ["command", "needed_times", "replay"]

# The thread that reads ahead must let the event loop in quickly: Python's 5 ms would be most of the lateness.
_SWITCH_INTERVAL_S = 0.0001
_STATE_NS = 24 * 3600 * 10**9
"""How long before its start the parts of a lake are opened: the state at the start is made of their events."""


def replay_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a replay, as `ReplayOptions` declares them, and those that select a part of the recording."""
    part = [
        time_options(
            "--start",
            begin_help="Start here, with the channels and bridges of that moment: +5m from the start, 14:03:10 (time "
            "of day), 2026-11-23T14:03:10, seq:1234.",
            until_help="Stop here; same forms as --start.",
        ),
        click.option("--duration", type=DURATION, help="Replay this much of the recording."),
        click.option(
            "--only-call", metavar="ID", help="Replay only this call: its id, or the id of one of its channels."
        ),
    ]
    for declared in reversed(fields(ReplayOptions)):
        if declared.name == "only_call":
            for decorate in reversed(part):
                command = decorate(command)
        elif declared.metadata:
            command = option_of(declared)(command)
    return command


@click.command("replay", cls=Verb)
@session_argument
@replay_options
def replay(
    session: SessionInput,
    start: "Time | None",
    until: "Time | None",
    timezone: str,
    duration: float | None,
    only_call: str | None,
    user: str | None,
    **given: Any,
) -> None:
    """Replay a session to ARI clients on localhost, as if from the Asterisk that it was recorded from.

    A client connects to ws://HOST:PORT/ari/events?app=APP and receives the frames recorded for that app, byte for byte
    and at the recorded intervals. ARI's REST interface is at http://HOST:PORT/ari, with the API documents that client
    libraries load. The clock stops while no client is connected; all clients share one clock. If the recording has a
    single app, a client can use any other name. Without subscribeAll a client receives what Asterisk would have sent
    it, as far as the recording shows.

    Keys in a terminal: space pauses and resumes, s sends one event, n goes to the next call, + and - change the speed,
    the arrows seek 10 s forward and back, q quits, ? shows the keys. http://HOST:PORT/control does the same: status,
    pause, resume, step, next-call, speed, seek; and for tests in any language: requests, expect, answer, send, verify.

    \b
    Faults, separated by commas; @ adds a probability, an event type, or both
    (drop@50%@ChannelVarset):
      drop, duplicate          leave out, send twice        drop@1%
      reorder=50ms             delay by up to this time     reorder=1s@10%
      stall=2s                 then send nothing            stall=2s@StasisStart
      close, close=1011        then cut or close            close@BridgeDestroyed
      slow=20kB                bytes per second

    \b
    Examples:
      arirecord replay session.parquet                   at the original speed
      arirecord replay session.parquet --speed 10        ten times as fast
      arirecord replay session.parquet --speed max --at-end exit
      arirecord replay session.parquet --port 0          on any free port
      arirecord replay session.parquet --user app:secret
      arirecord replay session.parquet --allow-origin https://phone.example
      arirecord replay s.parquet --connect ws://127.0.0.1:9000/ --connect-app app
      arirecord replay session.parquet --only-call 1795474753.78
      arirecord replay session.parquet --map-app recorder=my_app --strict-app
      arirecord replay session.parquet --start +5m --idle-limit 2s
      arirecord replay app.parquet --speed max --pace client
      arirecord replay session.parquet --start 14:03:10 --until seq:1234
      arirecord replay session.parquet --chaos drop@1%,close@StasisEnd --seed 7
      curl -X POST 'http://127.0.0.1:8088/control/speed?speed=10'
    """
    import asyncio

    from arirecord.replay.api import Replay
    from arirecord.replay.wire.precise_loop import precise_loop

    from .selection import unknown_names

    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    sharp_timers()
    gc.freeze()  # the collector skips all that is loaded by now: a full pass would stop the replay for 16 ms
    name, password = _credentials(user)
    check_access(
        given["host"],
        given["allow_origin"],
        given["allow_host"],
        has_login=name is not None,
        insecure_open=given["insecure_open"],
        login_help="give --user NAME:PASSWORD, or",
    )
    try:
        opened = open_session(session, start, until, timezone, select=partial(needed_times, duration))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    begin, end = _part(opened, start, until, timezone, duration)
    call = None if only_call is None else find_call(opened, only_call)
    if call is not None:
        begin, end = begin or call.begin, end or call.end
    options = ReplayOptions(
        user=name,
        password=password,
        start_ns=begin and begin.ns,
        start_seq=begin.seq if begin else -1,
        until_ns=end and end.ns,
        until_seq=end.seq if end else -1,
        only_call=call,
        call_starts=partial(call_starts, opened),
        **values_of(given),
    )
    server = Replay(opened, options, say).server
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(_serve(server, unknown_names(opened, sorted(options.types), sorted(options.exclude))))


def needed_times(
    duration: float | None, start: "Time | None", until: "Time | None", span: "RecordingSpan"
) -> "Sequence[Window]":
    """Return the time to replay and a day before, in which its channels and bridges began."""
    from arirecord.select.times import Position, Window, select_stretch

    begin, end = select_stretch(start, until, span)
    if duration is not None:
        end = Position((begin.ns if begin else span.begin_ns) + int(duration * 1e9))
    return [Window(begin and Position(begin.ns - _STATE_NS), end)]


def _part(
    session: "SessionFile", start: "Time | None", until: "Time | None", timezone: str, duration: float | None
) -> "tuple[Position | None, Position | None]":
    """Return the part to replay; fails if it is not in the recording."""
    from arirecord.select.times import Position, select_stretch
    from arirecord.select.zones import find_zone
    from arirecord.session.positions import recording_span

    if until is not None and duration is not None:
        raise click.UsageError("Give either --until or --duration.")
    try:
        begin, end = select_stretch(start, until, recording_span(session, find_zone(timezone)))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if duration is not None:
        end = Position((session.header.started_ns if begin is None else begin.ns) + int(duration * 1e9))
    return begin, end


def _credentials(user: str | None) -> tuple[str | None, str]:
    """Return the name and the password; fails if only one of them is set."""
    if user is None:
        return None, ""
    name, colon, password = user.partition(":")
    password = password if colon else os.environ.get("ARIRECORD_PASSWORD", "")
    if not name or not password:
        raise click.UsageError("--user needs NAME:PASSWORD, or NAME and the password in ARIRECORD_PASSWORD.")
    return name, password


async def _serve(server: "ReplayServer", notes: Sequence[str]) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    async with server:
        header = server.session.header
        applications = list(header.applications)
        app = applications[0] if applications else "APP"
        say(
            f"Replaying {server.session.path} ({header.events:,} events, {clock(header.duration_ns)}) "
            f"on {server.url}?app={app}; waiting for a client. Ctrl-C ends it."
        )
        for note in notes:
            say(note)
        with live_line(ReplayLine(server).text), keys(server, say):
            await server.wait_done()


command = replay
