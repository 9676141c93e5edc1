"""Keys at a terminal that is real: a pseudo-terminal, with the command behind it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.client import connect

from arirecord.cli.replay_keys import Keys
from arirecord.replay.timing.clock import PlaybackClock
from tests.waiting import HANG_S, wait_for

from .support import make
from .test_server import S, event


class Terminal:
    """The command at a terminal; `said` is what stands on it."""

    def __init__(self, session: Path, *options: str) -> None:
        self.fd, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        line = [sys.executable, "-c", "from arirecord.cli import main; main()", "replay", str(session), "--port", "0"]
        self.process = subprocess.Popen(
            [*line, *options], stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: _own(slave)
        )
        self.slave = slave
        os.set_blocking(self.fd, False)
        self.said = ""

    def read(self) -> str:
        try:
            while data := os.read(self.fd, 65536):
                self.said += data.decode("utf-8", "replace")
        except (BlockingIOError, OSError):
            pass
        return self.said

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def wait(self, text: str) -> str:
        wait_for(lambda: text in self.read())
        return self.said

    @property
    def url(self) -> str:
        self.wait("Keys:")
        found = re.search(r"ws://127\.0\.0\.1:\d+", self.said)
        assert found, self.said
        return found[0]

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.url.replace("ws", "http") + "/control/status") as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def _own(slave: int) -> None:
    os.setsid()
    import fcntl

    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    session = make(tmp_path / "s.parquet", [(n * 20 * S, event(n)) for n in range(50)])
    found = Terminal(session)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        os.close(found.fd)
        os.close(found.slave)


@pytest.mark.slow
def test_keys_steer(terminal: Terminal) -> None:
    with connect(f"{terminal.url}/ari/events?app=recorder") as client:
        assert json.loads(client.recv())["n"] == 0
        terminal.press(" ")
        terminal.wait("Paused")
        for number in (1, 2, 3):
            terminal.press("s")
            assert json.loads(client.recv(5))["n"] == number
        terminal.press("\x1b[D")
        wait_for(lambda: terminal.status()["position_s"] < 61)
        terminal.press("\x1b")
        terminal.press("[C")
        terminal.press("++")
        terminal.wait("Speed 5.")
        terminal.press("-")
        wait_for(lambda: terminal.status()["speed"] == 2)
        terminal.press("?")
        wait_for(lambda: terminal.read().count("Keys:") == 2)
        terminal.press("n")
        terminal.wait("No further call")
        terminal.wait("paused")
        assert re.search(
            r"0:0\d:\d\d of 0:16:20  in 0:00:\d\d  paused  \d frames  \d.\d ms late  1 client", terminal.said
        )
        terminal.press(" ")
        wait_for(lambda: not terminal.status()["paused"])
    terminal.press("q")

    assert terminal.process.wait(HANG_S) == 0
    assert termios.tcgetattr(terminal.slave)[3] == terminal.before[3], "as it was before"


@pytest.mark.slow
def test_ctrl_c_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    assert terminal.url
    assert termios.tcgetattr(terminal.slave)[3] != terminal.before[3]
    terminal.press("\x03")

    assert terminal.process.wait(HANG_S) == 0
    assert termios.tcgetattr(terminal.slave)[3] == terminal.before[3]


@pytest.mark.slow
def test_after_a_stop_keys_are_keys_again(terminal: Terminal) -> None:
    assert terminal.url
    while_running = termios.tcgetattr(terminal.slave)[3]
    terminal.process.send_signal(signal.SIGSTOP)
    termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)
    terminal.process.send_signal(signal.SIGCONT)

    wait_for(lambda: termios.tcgetattr(terminal.slave)[3] == while_running)


@pytest.mark.slow
def test_in_the_background_the_terminal_is_let_alone(tmp_path: Path) -> None:
    session = make(tmp_path / "s.parquet", [(0, event(0))])
    code = (
        "import os, sys; from arirecord.cli import main; os.setpgid(0, 0);"
        "main(['replay', sys.argv[1], '--port', '0', '--speed', 'max', '--at-end', 'exit'])"
    )
    fd, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", f"import os; pid = os.fork(); os.waitpid(pid, 0) if pid else exec({code!r})", session],
        stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: _own(slave),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        first = process.stderr.readline()
        url = re.search(r"ws://\S+", first)
        assert url, first
        with connect(url[0].rstrip(";")) as client:
            assert json.loads(client.recv(10))["n"] == 0
            client.close()
        assert process.wait(HANG_S) == 0
        assert "Keys:" not in process.stderr.read()
    os.close(fd)
    os.close(slave)


class Deaf:
    """A replay that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.clock = PlaybackClock(1)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *given: self.told.append(name)

    def set_speed(self, speed: float | None) -> None:
        self.clock.set_speed(speed)

    def describe(self) -> dict[str, Any]:
        return {"paused": False, "position_s": 3.0}


@pytest.mark.slow
@given(st.lists(st.sampled_from(["s", "\x1b[C", "\x1bOD", "n", "x", "\x1b[15~", "é", "\x1b[A"])), st.data())
def test_keys_may_come_in_pieces(typed: list[str], data: st.DataObject) -> None:
    text = "".join(typed)
    found: list[str] = []
    whole, pieces = Deaf(), Deaf()
    Keys(whole, found.append).type(text)  # type: ignore[arg-type]  # a stand-in for a server
    keys = Keys(pieces, found.append)  # type: ignore[arg-type]
    while text:
        cut = data.draw(st.integers(1, len(text)))
        keys.type(text[:cut])
        text = text[cut:]

    names = {"s": "step", "n": "next_call", "\x1b[C": "seek", "\x1bOD": "seek"}
    assert pieces.told == whole.told == [names[key] for key in typed if key in names]


def test_speeds_go_up_to_max_and_down_again() -> None:
    deaf = Deaf()
    keys = Keys(deaf, lambda text: None)  # type: ignore[arg-type]  # a stand-in for a server
    deaf.set_speed(3)
    keys.type("+")
    assert deaf.clock.speed == 5
    keys.type("+" * 20)
    assert deaf.clock.speed is None
    keys.type("-")
    assert deaf.clock.speed == 1000
    keys.type("-" * 20)
    assert deaf.clock.speed == PlaybackClock(0.1).speed
