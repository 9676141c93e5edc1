"""A running Asterisk, and what it says of itself: ARI, the console, its logs of channels (CEL) and calls (CDR)."""

import base64
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from tests.debian import inside

__all__ = ["Asterisk", "Row", "wait_until"]

Row = dict[str, Any]
ETC = Path(__file__).with_name("etc")
PREFIX = "arirecord-"
START_TIMEOUT_S = 20


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 10) -> None:
    """Return once `condition` holds. For what asyncio need not go on beside."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain until {what}")
        time.sleep(0.01)


class Asterisk:
    """One Asterisk on loopback, with ports and a folder of its own. Use as a context manager.

    `root` is the folder that `install` filled. `app` is the Stasis application that extensions 5xx are given to.
    `extra` are further configuration files by name.
    """

    user = "rig"
    password = "loopback-only"
    app = "rig"

    def __init__(self, root: Path, extra: dict[str, str] | None = None) -> None:
        self.root = root
        self.http_port = _free_port(socket.SOCK_STREAM)
        self.sip_port = _free_port(socket.SOCK_DGRAM)
        _sweep(root / "tmp")
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=root / "tmp"))
        self._inner = Path("/", self.folder.relative_to(root))
        self._process: subprocess.Popen[bytes] | None = None
        self._configure(extra or {})

    def _configure(self, extra: dict[str, str]) -> None:
        rtp_first = random.randrange(20000, 30000, 2)  # Asterisk itself steps over ports that are taken
        values = {
            "folder": self._inner,
            "http_port": self.http_port,
            "sip_port": self.sip_port,
            "iax_port": _free_port(socket.SOCK_DGRAM),
            "rtp_first": rtp_first,
            "rtp_last": rtp_first + 400,
            "user": self.user,
            "password": self.password,
            "app": self.app,
        }
        for name in ("etc", "spool/recording", "log"):
            (self.folder / name).mkdir(parents=True)
        files = {path.name: path.read_text() for path in ETC.glob("*.conf")}
        for name, text in {**files, **extra}.items():
            for key, value in values.items():
                text = text.replace(f"@{key}@", str(value))
            (self.folder / "etc" / name).write_text(text)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start it; return when ARI answers. It ends with the thread that started it, so that nothing outlives us."""
        command = inside(self.root, "/usr/sbin/asterisk", "-f", "-C", self._inner / "etc/asterisk.conf")
        with (self.folder / "log/console").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        try:
            wait_until(self._answers, "ARI answers", START_TIMEOUT_S)
        except TimeoutError as error:
            raise RuntimeError(f"Asterisk did not start:\n{self.log()[-3000:]}") from error

    def _answers(self) -> bool:
        """Not while it boots: first nobody listens, then HTTP says 503."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"Asterisk ended with {self._process.returncode}:\n{self.log()[-3000:]}")
        try:
            self.ari("GET", "asterisk/ping")
        except (OSError, LookupError):
            return False
        return True

    def stop(self) -> None:
        """Stop it the way an operator does; channels that are up are hung up."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """Stop it the way a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop and start it, on the same ports."""
        self.stop()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/ari"

    def ari(self, method: str, path: str, **query: object) -> Any:
        """One REST request; the decoded answer, None where it is empty. Raises `LookupError` for any HTTP error."""
        given = {key: value for key, value in query.items() if value is not None}
        request = urllib.request.Request(f"{self.url}/{path}?{urlencode(given, doseq=True)}", method=method)
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise LookupError(f"{method} {path}: HTTP {error.code} {error.read().decode()}") from None
        return json.loads(text) if text else None

    def hang_up_all(self) -> None:
        """Hang up every channel. One that ends meanwhile, as the other half of a Local channel does, is no fault."""
        for channel in self.ari("GET", "channels"):
            with suppress(LookupError):
                self.ari("DELETE", f"channels/{channel['id']}")

    def cli(self, command: str) -> str:
        """What the console says to a command."""
        run = inside(self.root, "/usr/sbin/asterisk", "-C", self._inner / "etc/asterisk.conf", "-rx", command)
        return subprocess.run(run, capture_output=True, text=True, check=True, timeout=10).stdout

    def log(self) -> str:
        paths = [self.folder / "log" / name for name in ("console", "full")]
        return "".join(path.read_text(errors="replace") for path in paths if path.exists())

    def cel(self) -> list[Row]:
        """All rows of the channel event log so far. `eventtime` is a number, `eventextra` an object."""
        rows = _rows(self.folder / "cel.jsonl")
        for row in rows:
            row["eventtime"] = float(row["eventtime"])
            row["eventextra"] = json.loads(row["eventextra"] or "{}")
        return rows

    def cdr(self) -> list[Row]:
        """All call detail records so far."""
        return _rows(self.folder / "cdr.jsonl")


def _rows(path: Path) -> list[Row]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _sweep(parent: Path) -> None:
    """Remove the folders of runs that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
