"""Control a running recording: a Unix socket whose name follows from the recording's target.

A request is one line of JSON (`{"do": "mark", "text": …}`), a response another (`{"ok": true}` or `{"error": …}`).
"""

import asyncio
import hashlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from arirecord.errors import ArirecordError, CaptureError

from .recorder import Recorder

__all__ = ["ask_recording", "control", "control_path"]


def control_path(target: Path) -> Path:
    """Return the socket of the recording to `target`. It is in the system's folder for sockets, because the path of a
    socket can have only about a hundred bytes.
    """
    name = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"arirecord-{os.getuid()}" / f"{name}.sock"


@asynccontextmanager
async def control(target: Path, recorder: Callable[[], Recorder | None]) -> AsyncIterator[None]:
    """Serve the socket of `target` while the block runs. Only this user can reach it."""
    path = control_path(target)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise CaptureError(f"{path.parent} belongs to another user: set TMPDIR to a folder of your own")
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = _do(orjson.loads(await reader.readline()), recorder())
        except (ValueError, KeyError, TypeError, ArirecordError) as error:
            reply = {"error": str(error) or "not understood"}
        writer.write(orjson.dumps(reply, option=orjson.OPT_APPEND_NEWLINE))
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def _do(request: dict[str, Any], recorder: Recorder | None) -> dict[str, Any]:
    if recorder is None:
        raise CaptureError("it has no connection yet")
    if request["do"] == "mark":
        recorder.mark(str(request["text"]), request.get("by"))
    elif request["do"] == "split":
        recorder.split()
    else:
        raise CaptureError(f"a recording can't {request['do']}")
    return {"ok": True, "events": recorder.stats.events}


def ask_recording(target: Path, request: dict[str, Any], timeout_s: float = 5) -> dict[str, Any]:
    """Send a request to the recording to `target`. Raises `CaptureError` if it does not run, or refuses."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(control_path(target)))
            connection.sendall(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = orjson.loads(answers.readline())
        except (FileNotFoundError, ConnectionRefusedError):
            raise CaptureError(f"no recording to {target} is running here: name its output with -o") from None
        except (OSError, ValueError) as error:
            raise CaptureError(f"the recording to {target} does not answer: {error}") from None
    if "error" in answer:
        raise CaptureError(f"the recording to {target} refuses: {answer['error']}")
    return answer
