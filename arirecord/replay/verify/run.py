"""Replays a recording to an app and compares its requests with those of the recorded app."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from arirecord.replay.options import ReplayOptions
from arirecord.replay.rest_handler import ClientExchange
from arirecord.replay.server import ReplayServer
from arirecord.session.folder_files import session_files
from arirecord.session.reader import open_session

from .app import running, where
from .compare import Compared, Limits
from .grouping import Request
from .replay_comparison import Comparison, request_of
from .rules import Rule

__all__ = ["Verified", "VerifyOptions", "sessions_in", "verify"]

_FIRST: Final = asyncio.FIRST_COMPLETED

_LOOK_S: Final = 0.1

_USER: Final = "arirecord"


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """Options of a verification. None means off."""

    # Seconds of the recording per second. None: as fast as the app reacts.
    speed: float | None = None

    # How many seconds an event waits for the recorded requests before it; how many seconds the app may take to connect,
    # or be disconnected; how many seconds without requests end the run.
    pace_timeout_s: float = 5
    start_timeout_s: float = 30
    quiet_s: float = 0.5

    # The application in the recording that is verified; None: the only one.
    application: str | None = None

    # Rules for ignored differences, besides the default ones.
    rules: Sequence[Rule] = ()
    limits: Limits = field(default_factory=Limits)

    # The WebSocket URL of an app that waits for Asterisk to connect.
    connect: str | None = None

    # Lines for the standard input of the app: each is written when the app is connected and quiet.
    input_lines: Sequence[str] = ()


@dataclass(frozen=True)
class Verified:
    """The result for one session. `trouble` is a sentence on what ended it early, or None.

    `missed` are the requests for which the replay waited in vain.
    """

    path: Path
    calls: Sequence[Compared] = ()
    request_count: int = 0
    wall_s: float = 0
    trouble: str | None = None
    missed: Sequence[str] = ()

    @property
    def is_same(self) -> bool:
        """Whether the app sent all recorded requests, and no others."""
        return self.trouble is None and all(call.is_same for call in self.calls)


@dataclass
class _LiveRequests:
    """The requests of the app so far."""

    requests: list[Request] = field(default_factory=list)
    latest_s: float = 0

    def add(self, exchange: ClientExchange) -> None:
        self.requests.append(request_of(exchange))
        self.latest_s = asyncio.get_running_loop().time()


async def verify(
    path: Path, command: Sequence[str], options: VerifyOptions | None = None, say: Callable[[str], None] | None = None
) -> Verified:
    """Replay a session to the app that `command` starts, and compare its REST requests, call by call.

    The rules of the options are applied, and those learned for the session (`rules_path`).
    `say` receives progress messages. Raises `VerifyError` if there is nothing to compare or the app does not connect,
    and `ReplayError` or `NotASession` as `ReplayServer` does.
    """
    options = options or VerifyOptions()
    session = open_session(path)
    comparison = Comparison(session, options.application)
    application = comparison.application
    replayed = ReplayOptions(
        port=0,
        speed=options.speed,
        pace="client",
        pace_timeout_s=options.pace_timeout_s,
        connect=() if options.connect is None else (options.connect,),
        connect_apps=() if options.connect is None else tuple(application.split(",")),
    )
    live = _LiveRequests()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with (
        ReplayServer(session, replayed, say or (lambda text: None), live.add) as server,
        running(command, where(server, application, _USER, _USER), bool(options.input_lines)) as process,
    ):
        sent = server.keep_times()
        trouble = await _until_over(server, process, options, live)
    calls = comparison.compare(live.requests, options.limits, options.rules, sent)
    return Verified(path, calls, len(live.requests), loop.time() - began_s, trouble, server.missed)


def _type(process: asyncio.subprocess.Process, line: str) -> None:
    """Write a line to the standard input of the app."""
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.write(f"{line}\n".encode())


async def _until_over(
    server: ReplayServer, process: asyncio.subprocess.Process, options: VerifyOptions, live: _LiveRequests
) -> str | None:
    """Wait until the recording is over and the app is quiet. Returns what ended it early."""
    loop = asyncio.get_running_loop()
    here_s = ended_s = loop.time()
    came = False
    lines = list(options.input_lines)
    async with asyncio.TaskGroup() as tasks:
        end, gone = tasks.create_task(server.wait_end()), tasks.create_task(process.wait())
        try:
            while True:
                await asyncio.wait({gone} if end.done() else {end, gone}, timeout=_LOOK_S, return_when=_FIRST)
                now_s = loop.time()
                if end.done():
                    if gone.done() or now_s - max(live.latest_s, ended_s) > options.quiet_s:
                        return None
                    continue
                ended_s = now_s
                if gone.done():
                    if gone.result() == 0 and server.has_all_requests:
                        return None  # its work was done: it needs no further events
                    return f"the app ended, with exit code {gone.result()}, before the recording did"
                if server.status.clients:
                    came, here_s = True, now_s
                    if lines and now_s - live.latest_s > options.quiet_s:
                        _type(process, lines.pop(0))
                        live.latest_s = now_s
                elif now_s - here_s > options.start_timeout_s:
                    was = "was gone" if came else "did not connect"
                    return f"the app {was} for {options.start_timeout_s:g} s"
        finally:
            end.cancel()
            gone.cancel()


def sessions_in(path: Path) -> list[Path]:
    """The sessions of a file or a folder, sorted by name.

    A folder whose files continue one another, all counted from one time, is a recording in parts, and one session.
    Raises `NotASession` and `FileNotFoundError` as `open_session` does.
    """
    if not path.is_dir():
        open_session(path)
        return [path]
    return list(_within(path)) or [open_session(path).path]


def _within(folder: Path) -> Iterator[Path]:
    files = session_files(folder)
    headers = {path: open_session(path).header for path in files}
    starts = {header.started_ns for header in headers.values()}
    if len(files) > 1 and len(starts) == 1 and len({h.first_elapsed_ns for h in headers.values()}) == len(files):
        yield folder
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from _within(entry)
        elif entry in headers:
            yield entry
