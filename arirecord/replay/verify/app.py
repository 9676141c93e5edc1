"""The app under verification, as a subprocess."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from arirecord.errors import VerifyError
from arirecord.replay.server import ReplayServer

__all__ = ["command_for", "running", "where"]

_LEAVE_S = 5.0
_STDERR = 2


def where(server: ReplayServer, application: str, user: str, password: str) -> Mapping[str, str]:
    """The connection data for the app, by the names of their placeholders in a command, `{url}`."""
    return {
        "url": f"{server.http_url}/ari",
        "base_url": server.http_url,
        "ws_url": server.url,
        "host": server.host,
        "port": str(server.port),
        "app": application,
        "user": user,
        "password": password,
    }


def command_for(command: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """The command with `{url}` and the others filled in; any other braces stay unchanged."""
    filled = []
    for word in command:
        for name, value in known.items():
            word = word.replace(f"{{{name}}}", value)
        filled.append(word)
    return filled


@asynccontextmanager
async def running(
    command: Sequence[str], known: Mapping[str, str], has_input: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the app, with `ARI_URL` and the others in its environment. At the end it is terminated, and then killed.

    Its output goes to stderr. `has_input`: its standard input is a pipe, otherwise that of this process.
    Raises `VerifyError` if it cannot be started.
    """
    environment = {**os.environ, **{f"ARI_{name.upper()}": value for name, value in known.items()}}
    environment["ARI_USERNAME"] = known["user"]
    try:
        process = await asyncio.create_subprocess_exec(
            *command_for(command, known),
            env=environment,
            stdin=asyncio.subprocess.PIPE if has_input else None,
            stdout=_STDERR,
            start_new_session=True,
        )
    except OSError as error:
        raise VerifyError(f"{command[0]} can't be started: {error.strerror}") from error
    try:
        yield process
    finally:
        # It may have started others; all of them are in its process group.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await process.wait()
