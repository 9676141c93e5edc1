"""`arirecord tap` as a process of its own, and an application that talks to Asterisk through it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from .switch import Asterisk, wait_until

__all__ = ["Tap", "application", "kept"]


def kept(folder: Path, name: str) -> Path:
    """Where a recording goes: into `$ARIRECORD_KEEP`, where that is set, from where it may become a sample."""
    return Path(os.environ.get("ARIRECORD_KEEP") or folder) / name


class Tap:
    """`arirecord tap` while it runs. `with Tap(…) as tap: …; tap.stop()`; `url` is where applications connect."""

    def __init__(self, asterisk: Asterisk, target: Path) -> None:
        self.asterisk, self.target = asterisk, target
        self._stderr = target.with_suffix(".stderr")

    def __enter__(self) -> Self:
        arguments = ["--listen", "127.0.0.1:0", "--upstream", self.asterisk.url, "-o", str(self.target)]
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "arirecord", "tap", *arguments], stderr=stderr
            )
        try:
            wait_until(lambda: self._process.poll() is not None or self._announced(), "the tap listens")
            assert self._process.poll() is None, self.said
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def said(self) -> str:
        return self._stderr.read_text()

    @property
    def url(self) -> str:
        """The base of ARI, as an application wants it."""
        found = self._announced()
        assert found, self.said
        return found

    def _announced(self) -> str | None:
        found = re.search(r"http://127\.0\.0\.1:\d+/ari", self.said)
        return found[0] if found else None

    def stop(self) -> None:
        """End the recording as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(30) == 0, self.said


@contextmanager
def application(asterisk: Asterisk, url: str, script: Path, *options: str, app: str = "") -> Iterator[None]:
    """An application as a program of its own, connected to `url` while in use."""
    name = app or asterisk.app
    given = {"ARI_URL": url, "ARI_APP": name, "ARI_USER": asterisk.user, "ARI_PASSWORD": asterisk.password}
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", sys.executable, str(script), *options], env={**os.environ, **given}
    )
    try:
        wait_until(lambda: _has_application(asterisk, name), "the application is connected")
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def _has_application(asterisk: Asterisk, name: str) -> bool:
    return any(found["name"] == name for found in asterisk.ari("GET", "applications"))
