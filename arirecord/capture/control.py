"""Control a running recording: a Unix socket in the folder of the recording.

A request is one line of JSON (`{"do": "mark", "text": …}`), a response another (`{"ok": true}` or `{"error": …}`).
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from arirecord.errors import ArirecordError, CaptureError

from .recorder import Recorder
from .rotation import Folder

__all__ = ["Control", "ask_recording"]

_ANSWER_S = 5.0
"""A recording answers within this time."""


class Control:
    """Serves the socket of a recording, from `begin` to the end of the `with` block. Only this user can connect.

    A recording without a socket goes on; `say` gets the reason.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._path: Path | None = None
        self._recorder: Recorder | None = None
        self._serving: asyncio.Task[asyncio.Server] | None = None

    def begin(self, recorder: Recorder) -> None:
        """Serve requests to `recorder`. Call it in the event loop."""
        path = _socket_path(recorder.target.path)
        bound = socket.socket(socket.AF_UNIX)
        try:
            path.unlink(missing_ok=True)
            with _short(path) as name:
                bound.bind(name)
            path.chmod(0o600)  # clients can connect only after listen()
        except OSError as error:
            bound.close()
            self._say(f"`arirecord mark` can't reach this recording: no socket {path} ({error.strerror or error}).")
            return
        self._recorder, self._path = recorder, path
        self._serving = asyncio.get_running_loop().create_task(asyncio.start_unix_server(self._answer, sock=bound))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._serving is not None and not self._serving.cancel():
            self._serving.result().close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._recorder is not None
        try:
            reply = _do(orjson.loads(await reader.readline()), self._recorder)
        except (ValueError, KeyError, TypeError, ArirecordError) as error:
            reply = {"error": str(error) or "not understood"}
        writer.write(orjson.dumps(reply, option=orjson.OPT_APPEND_NEWLINE))
        writer.close()


def _socket_path(target: Path) -> Path:
    """Return the socket of the recording to `target`: a recorder may be able to write nowhere but in that folder."""
    target = target.resolve()
    return target / ".arirecord.sock" if target.is_dir() else target.with_name(f".{target.name}.sock")


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield another path of the same file: the path of a socket can have only about a hundred bytes."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        link = Path(f"/proc/self/fd/{folder}")
        yield f"{link}/{path.name}" if link.exists() else str(path)
    finally:
        os.close(folder)


def _do(request: dict[str, Any], recorder: Recorder) -> dict[str, Any]:
    if request["do"] == "mark":
        recorder.mark(str(request["text"]), request.get("by"))
    elif request["do"] == "split":
        if not isinstance(recorder.target, Folder):
            raise CaptureError("it is one file; only a recording to a folder has parts")
        recorder.split()
    else:
        raise CaptureError(f"a recording can't {request['do']}")
    return {"ok": True, "events": recorder.stats.events}


def ask_recording(target: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send a request to the recording to `target`. Raises `CaptureError` if it does not run, or refuses."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_S)
        try:
            with _short(_socket_path(target)) as name:
                connection.connect(name)
            connection.sendall(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = orjson.loads(answers.readline())
        except (FileNotFoundError, ConnectionRefusedError):
            raise CaptureError(
                f"no recording to {target} is running, or it has no connection yet: name its output with -o"
            ) from None
        except (OSError, ValueError) as error:
            raise CaptureError(f"the recording to {target} does not answer: {error}") from None
    if "error" in answer:
        raise CaptureError(f"the recording to {target} refuses: {answer['error']}")
    return answer
