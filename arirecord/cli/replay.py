"""`arirecord replay`."""

import gc
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .completion import complete_event_types
from .console import live_line, say
from .output import SESSION, Input, Output, OutputOption, Verb
from .param_types import DURATION, time_options
from .replay_keys import ReplayLine, clock, keys, sharp_timers
from .replay_types import FAULTS, MAPPED, SPEED, call_starts, find_call

if TYPE_CHECKING:
    from arirecord.replay.options import AtEnd, OnReconnect, Pace
    from arirecord.replay.server import ReplayServer
    from arirecord.replay.timing.chaos import Fault
    from arirecord.select.times import Position, Time
    from arirecord.session.reader import SessionFile

__all__ = ["command", "replay"]

# The thread that reads ahead must let the event loop in quickly: Python's 5 ms would be most of the lateness.
_SWITCH_INTERVAL_S = 0.0001


@click.command("replay", cls=Verb)
@click.argument("session", type=Input())
@click.option(
    "--speed",
    type=SPEED,
    default="1",
    show_default=True,
    help="Speed factor, or max: as fast as clients receive.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8088,
    show_default=True,
    help="Port to listen on; 0 is any free port.",
)
@click.option(
    "--at-end",
    type=click.Choice(["hold", "close", "exit"]),
    default="hold",
    show_default=True,
    help="After the last frame: keep connections open, close them and keep serving, or close them and exit.",
)
@click.option(
    "--on-reconnect",
    type=click.Choice(["resume", "restart"]),
    default="resume",
    show_default=True,
    help="If a client reconnects while no other is connected: resume, or restart the replay.",
)
@click.option(
    "--connect",
    multiple=True,
    metavar="URL",
    help="Connect to an app that waits for an outbound WebSocket: ws://[NAME:PASSWORD@]HOST:PORT/PATH (repeatable).",
)
@click.option(
    "--connect-app",
    multiple=True,
    metavar="APP",
    help="Name of the app given by --connect, if it differs from the recording.",
)
@click.option(
    "--connect-all", is_flag=True, help="Send all events to the app given by --connect, like subscribe_all in ari.conf."
)
@click.option(
    "--user", metavar="NAME[:PASSWORD]", help="Credentials for clients. Default for the password: ARIRECORD_PASSWORD."
)
@click.option(
    "--share", is_flag=True, help="Let several clients share an app; in Asterisk the latest client takes it over."
)
@click.option(
    "--map-app",
    type=MAPPED,
    multiple=True,
    metavar="RECORDED=ASKED",
    help="Send a client of app ASKED the events recorded for RECORDED (repeatable).",
)
@click.option("--strict-app", is_flag=True, help="Refuse apps that are not in the recording; Asterisk accepts any.")
@click.option(
    "--record-client",
    cls=OutputOption,
    formats=SESSION,
    metavar="FILE",
    help="Record the clients' REST requests to a session.",
)
@time_options(
    "--start",
    begin_help="Start here, with the channels and bridges of that moment: +5m from the start, 14:03:10 (time of day), "
    "2026-11-23T14:03:10, seq:1234.",
    until_help="Stop here; same forms as --start.",
)
@click.option("--duration", type=DURATION, help="Replay this much of the recording.")
@click.option("--only-call", metavar="ID", help="Replay only this call: its id, or the id of one of its channels.")
@click.option(
    "--loop", type=click.IntRange(0), default=1, show_default=True, help="Replay this many times; 0 is endless."
)
@click.option(
    "--start-paused", is_flag=True, help="Start paused: the space key or POST /control/resume starts the replay."
)
@click.option(
    "--pace",
    type=click.Choice(["clock", "client"]),
    default="clock",
    show_default=True,
    help="client: each event waits for the requests that the tapped app made before it.",
)
@click.option(
    "--pace-timeout",
    type=DURATION,
    default="5s",
    show_default=True,
    help="Longest time that an event waits with --pace client.",
)
@click.option("--idle-limit", type=DURATION, help="Shorten pauses in the recording to this length.")
@click.option("--min-gap", type=DURATION, help="Shortest time between two events, for clients that debounce.")
@click.option("--shift-to-now", is_flag=True, help="Move timestamps in events and responses to the present.")
@click.option(
    "--chaos",
    type=FAULTS,
    multiple=True,
    metavar="FAULTS",
    help="Inject faults: drop@1%,stall=2s@StasisStart (see above).",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of --chaos: the same seed gives the same faults.",
)
@click.option(
    "--chaos-log",
    cls=OutputOption,
    formats={},
    metavar="FILE",
    help="Write each injected fault to a file, as JSON.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE",
    shell_complete=complete_event_types,
    help="Send only events of this type (repeatable).",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="TYPE",
    shell_complete=complete_event_types,
    help="Send no events of this type (repeatable).",
)
def replay(
    session: Path,
    speed: float | None,
    host: str,
    port: int,
    at_end: "AtEnd",
    on_reconnect: "OnReconnect",
    connect: tuple[str, ...],
    connect_app: tuple[str, ...],
    connect_all: bool,
    user: str | None,
    share: bool,
    map_app: tuple[tuple[str, str], ...],
    strict_app: bool,
    record_client: Output,
    start: "Time | None",
    until: "Time | None",
    timezone: str,
    duration: float | None,
    only_call: str | None,
    loop: int,
    start_paused: bool,
    pace: "Pace",
    pace_timeout: float,
    idle_limit: float | None,
    min_gap: float | None,
    shift_to_now: bool,
    chaos: "tuple[list[Fault], ...]",
    seed: int,
    chaos_log: Output,
    types: tuple[str, ...],
    exclude: tuple[str, ...],
) -> None:
    """Replay a session to ARI clients on localhost, as if from the Asterisk that it was recorded from.

    A client connects to ws://HOST:PORT/ari/events?app=APP and receives the frames recorded for that app, byte for byte
    and at the recorded intervals. ARI's REST interface is at http://HOST:PORT/ari, with the API documents that client
    libraries load. The clock stops while no client is connected; all clients share one clock. If the recording has a
    single app, a client can use any other name. Without subscribeAll a client receives what Asterisk would have sent
    it, as far as the recording shows.

    Keys in a terminal: space pauses and resumes, s sends one event, n goes to the next call, + and - change the speed,
    the arrows seek 10 s forward and back, q quits, ? shows the keys. http://HOST:PORT/control does the same: status,
    pause, resume, step, next-call, speed, seek.

    \b
    Faults, separated by commas; @ adds a probability, an event type, or both (drop@50%@ChannelVarset):
      drop, duplicate          leave out, send twice        drop@1%
      reorder=50ms             delay by up to this time     reorder=1s@10%
      stall=2s                 then send nothing            stall=2s@StasisStart
      close, close=1011        then cut or close            close@BridgeDestroyed
      slow=20kB                bytes per second

    \b
    Examples:
      arirecord replay session.parquet                        at the original speed
      arirecord replay session.parquet --speed 10             ten times as fast
      arirecord replay session.parquet --speed max --at-end exit
      arirecord replay session.parquet --port 0               on any free port, which it prints
      arirecord replay session.parquet --user app:secret      with a name and a password, as with Asterisk
      arirecord replay session.parquet --connect ws://127.0.0.1:9000/ --connect-app my_app
      arirecord replay session.parquet --only-call 1795474753.78
      arirecord replay session.parquet --map-app recorder=my_app --strict-app
      arirecord replay session.parquet --start +5m --idle-limit 2s
      arirecord replay app.parquet --speed max --pace client  as fast as the app reacts, in order
      arirecord replay session.parquet --start 14:03:10 --until seq:1234
      arirecord replay session.parquet --chaos drop@1%,close@StasisEnd --seed 7
      curl -X POST 'http://127.0.0.1:8088/control/speed?speed=10'
    """
    import asyncio
    import selectors

    from arirecord.replay.options import ReplayOptions
    from arirecord.replay.server import ReplayServer
    from arirecord.session.reader import open_session

    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    sharp_timers()
    gc.freeze()  # the collector skips all that is loaded by now: a full pass would stop the replay for 16 ms
    name, password = _credentials(user)
    opened = open_session(session)
    begin, end = _part(opened, start, until, timezone, duration)
    call = None if only_call is None else find_call(opened, only_call)
    if call is not None:
        begin, end = begin or call.begin, end or call.end
    options = ReplayOptions(
        host=host,
        port=port,
        speed=speed,
        at_end=at_end,
        on_reconnect=on_reconnect,
        connect=connect,
        connect_apps=[name for value in connect_app for name in value.split(",") if name],
        connect_all=connect_all,
        user=name,
        password=password,
        share=share,
        map_app=map_app,
        strict_app=strict_app,
        record_client=record_client.path,
        start_ns=begin and begin.ns,
        start_seq=begin.seq if begin else -1,
        until_ns=end and end.ns,
        until_seq=end.seq if end else -1,
        only_call=call,
        call_starts=partial(call_starts, opened),
        loop=loop,
        start_paused=start_paused,
        pace=pace,
        pace_timeout_s=pace_timeout,
        idle_limit_ns=None if idle_limit is None else int(idle_limit * 1e9),
        min_gap_ns=int((min_gap or 0) * 1e9),
        shift_to_now=shift_to_now,
        chaos=[fault for faults in chaos for fault in faults],
        seed=seed,
        chaos_log=chaos_log.path,
        types=frozenset(types),
        exclude=frozenset(exclude),
    )
    server = ReplayServer(opened, options, say)
    # select() sleeps to the microsecond, epoll to the millisecond: it is most of the lateness.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_serve(server))


def _part(
    session: "SessionFile", start: "Time | None", until: "Time | None", timezone: str, duration: float | None
) -> "tuple[Position | None, Position | None]":
    """Return the part to replay; fails if it is not in the recording."""
    from arirecord.select.times import Position, select_stretch
    from arirecord.select.zones import find_zone
    from arirecord.session.positions import recorded

    if until is not None and duration is not None:
        raise click.UsageError("Give either --until or --duration.")
    try:
        begin, end = select_stretch(start, until, recorded(session, find_zone(timezone)))
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


async def _serve(server: "ReplayServer") -> None:
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
        with live_line(ReplayLine(server).text), keys(server, say):
            await server.wait_done()


command = replay
