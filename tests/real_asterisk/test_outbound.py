"""Asterisk dials the recorder: for an application as long as it runs, and for every call of another one."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arirecord.session.reader import open_session

from .install import folder, install
from .switch import ETC, Asterisk, wait_until

pytestmark = pytest.mark.asterisk

CLIENTS = """
[for_ever]
type = websocket_client
connection_type = persistent
uri = ws://127.0.0.1:{port}/events
protocols = ari
username = pbx
password = dials-out
reconnect_interval = 100

[each_call]
type = websocket_client
connection_type = per_call_config
uri = ws://127.0.0.1:{port}/call
protocols = ari
username = pbx
password = dials-out
"""
APPLICATIONS = """
[for_ever_out]
type = outbound_websocket
websocket_client_id = for_ever
apps = watcher
subscribe_all = yes
local_ari_user = @user@

[each_call_out]
type = outbound_websocket
websocket_client_id = each_call
apps = handler
local_ari_user = @user@
"""
EXTENSION = "\nexten => 600,1,Answer()\n same => n,Stasis(handler,by-call)\n same => n,Hangup()\n"


class Listening:
    """`arirecord capture --listen` as a process of its own."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._stderr = target.with_suffix(".stderr")
        command = ["-m", "arirecord", "capture", "--listen", "127.0.0.1:0", "--user", "pbx", "-o", str(target)]
        with self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, *command],
                stderr=stderr,
                env={**os.environ, "ARIRECORD_PASSWORD": "dials-out"},
            )
        wait_until(lambda: self._port or self.process.poll() is not None, "it listens")
        self.port = int(self._port)

    @property
    def said(self) -> str:
        return self._stderr.read_text()

    @property
    def _port(self) -> str:
        found = re.search(r"Listening at ws://127\.0\.0\.1:(\d+)/", self.said)
        return found[1] if found else ""

    def end(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextmanager
def dialling_out(port: int) -> Iterator[Asterisk]:
    """An Asterisk that dials out to this port."""
    texts = {name: (ETC / name).read_text() for name in ("ari.conf", "extensions.conf")}
    extra = {
        "websocket_client.conf": CLIENTS.format(port=port),
        "ari.conf": texts["ari.conf"] + APPLICATIONS,
        "extensions.conf": texts["extensions.conf"] + EXTENSION,
    }
    install(folder())
    with Asterisk(folder(), extra) as asterisk:
        yield asterisk


def call(asterisk: Asterisk) -> str:
    """A call into the application with a connection of its own; the id of its channel there."""
    before = {channel["id"] for channel in asterisk.ari("GET", "channels")}
    where = {"endpoint": "Local/600@phones", "extension": "300", "context": "phones", "priority": 1}
    asterisk.ari("POST", "channels", **where)

    def inside() -> list[str]:
        channels = asterisk.ari("GET", "channels")
        return [c["id"] for c in channels if c["id"] not in before and c["dialplan"]["app_name"] == "Stasis"]

    wait_until(inside, "the call is in its application")
    return inside()[0]


def test_outbound(tmp_path: Path) -> None:
    """One connection for an application and one for each call, three at once: all is in one recording."""
    listening = Listening(tmp_path / "outbound.parquet")
    try:
        with dialling_out(listening.port) as asterisk:
            wait_until(lambda: listening.said.count("dialled in") == 1, "the lasting connection is there")
            calls = [call(asterisk), call(asterisk)]
            wait_until(lambda: listening.said.count("dialled in") == 3, "two calls have connections of their own")
            for channel in calls:
                asterisk.ari("DELETE", f"channels/{channel}")
            wait_until(lambda: listening.said.count("is gone") == 2, "the connections of the calls are gone")
            asterisk.stop()
            wait_until(lambda: listening.said.count("is gone") == 3, "the lasting connection is gone")
        code = listening.end()
    finally:
        listening.process.kill()
    session = open_session(listening.target)
    frames = list(session.frames())
    applications = {frame.application for frame in frames}
    starts = [frame for frame in frames if frame.type == "StasisStart"]

    assert code == 0
    assert [frame.type for frame in session.frames(kinds=["connection"])].count("opened") == 3
    assert "watcher" in applications
    assert len(applications) == 3, applications  # the watcher, and one for each call
    assert sorted(re.findall(r'"id":"([\d.]+)"', frame.raw)[0] for frame in starts) == sorted(calls)
    assert all(frame.application in applications - {"watcher"} for frame in starts)
    assert sum(frame.type == "ChannelDestroyed" and frame.application == "watcher" for frame in frames) >= 4


def test_dials_again(tmp_path: Path) -> None:
    """Once the recorder is gone and back, Asterisk dials it again, and it hears of the calls from then on."""
    first = Listening(tmp_path / "first.parquet")
    with dialling_out(first.port) as asterisk:
        wait_until(lambda: first.said.count("dialled in") == 1, "the lasting connection is there")
        assert first.end() == 0
        command = ["capture", "--listen", f"127.0.0.1:{first.port}", "--max-events", "1", "-o", "second.parquet"]
        second = subprocess.run(
            [sys.executable, "-m", "arirecord", *command, "--duration", "30s"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        assert second.returncode == 0, second.stderr
        asterisk.stop()
    assert [frame.type for frame in open_session(tmp_path / "second.parquet").frames()] == ["ApplicationRegistered"]
