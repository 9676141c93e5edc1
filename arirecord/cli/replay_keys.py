"""Keys that control a replay in a terminal."""

import asyncio
import ctypes
import os
import re
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from arirecord.errors import ArirecordError

if TYPE_CHECKING:
    from arirecord.replay.server import ReplayServer

__all__ = ["HELP", "Keys", "ReplayLine", "clock", "keys", "sharp_timers"]

HELP: Final = (
    "Keys: space pause and resume, s one event, n next call, + and - speed, right and left seek 10 s, q quit, ? help."
)

_SEEK_S: Final = 10

_WHOLE: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

_SPEEDS: Final = (Fraction(1, 10), Fraction(1, 5), Fraction(1, 2), *map(Fraction.from_float, _WHOLE), None)

_KEY: Final = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|[^\x1b]|\x1b", re.DOTALL)

_UNFINISHED: Final = re.compile(r"\x1b(?:[\[O][0-9;]*)?\Z")


class Keys:
    """The actions of the keys on a replay; `say` reports each action. No access to the terminal."""

    def __init__(self, server: "ReplayServer", say: Callable[[str], None]) -> None:
        self._server = server
        self._say = say
        self._rest = ""
        self._does: Mapping[str, Callable[[], None]] = {
            " ": self._pause,
            "s": server.step,
            "n": server.next_call,
            "+": lambda: self._speed(1),
            "=": lambda: self._speed(1),
            "-": lambda: self._speed(-1),
            "\x1b[C": lambda: self._seek(_SEEK_S),
            "\x1bOC": lambda: self._seek(_SEEK_S),
            "\x1b[D": lambda: self._seek(-_SEEK_S),
            "\x1bOD": lambda: self._seek(-_SEEK_S),
            "q": server.stop,
            "?": lambda: say(HELP),
        }

    def type(self, text: str) -> None:
        """Handle input from the keyboard: whole keys or parts of one."""
        text = self._rest + text
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        for key in _KEY.findall(text[: len(text) - len(self._rest)]):
            try:
                self._does.get(key, lambda: None)()
            except ArirecordError as error:
                self._say(f"{error}.")

    def _pause(self) -> None:
        if self._server.describe()["paused"]:
            self._server.resume()
            self._say("Resumed.")
        else:
            self._server.pause()
            self._say("Paused. Space resumes, s sends one event.")

    def _speed(self, step: int) -> None:
        now = self._server.clock.speed
        others = [s for s in _SPEEDS if s != now and (s is None or now is None or (s > now) == (step > 0))]
        if now is None:
            others = [] if step > 0 else others
        elif step < 0:
            others = [s for s in others if s is not None]
        if others:
            speed = others[0 if step > 0 else -1]
            self._server.set_speed(None if speed is None else float(speed))
            self._say("Speed max." if speed is None else f"Speed {float(speed):g}.")

    def _seek(self, by_s: float) -> None:
        self._server.seek(max(0.0, round(self._server.describe()["position_s"] + by_s, 3)))


@contextmanager
def keys(server: "ReplayServer", say: Callable[[str], None]) -> Iterator[None]:
    """Let keys control a replay, on the running event loop, if stdin is a terminal and this process may read it."""
    fd = _terminal()
    if fd is None:
        yield
        return
    loop = asyncio.get_running_loop()
    pressed = Keys(server, say)
    before = termios.tcgetattr(fd)

    def read() -> None:
        try:
            data = os.read(fd, 1024)
        except OSError:
            data = b""
        if data:
            pressed.type(data.decode("utf-8", "replace"))
        else:
            loop.remove_reader(fd)  # the terminal has gone; the replay continues

    tty.setcbreak(fd)
    loop.add_reader(fd, read)
    # After Ctrl-Z and fg, the shell has reset the terminal.
    loop.add_signal_handler(signal.SIGCONT, lambda: tty.setcbreak(fd))
    try:
        say(HELP)
        yield
    finally:
        loop.remove_signal_handler(signal.SIGCONT)
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _terminal() -> int | None:
    """The terminal; None without one, or if access to it would stop this process in the background."""
    try:
        fd = sys.stdin.fileno()
        return fd if os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp() else None
    except (OSError, ValueError, AttributeError):
        return None


_PR_SET_TIMERSLACK = 29


def sharp_timers() -> None:
    """Let the kernel wake this thread on time; by default Linux may be 50 µs late, to wake several at once."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


class ReplayLine:
    """The status line of a replay: position, elapsed time, speed, lateness and clients."""

    def __init__(self, server: "ReplayServer") -> None:
        self._server = server
        self._begun_ns = server.clock.now_ns()

    def text(self) -> str:
        """Return the current line."""
        server, status = self._server, self._server.status
        header, description = server.session.header, server.describe()
        position_ns = header.duration_ns if status.finished else int(description["position_s"] * 1e9)
        wall_ns = server.clock.now_ns() - self._begun_ns
        speed = description["speed"]
        parts = [
            f"{clock(min(position_ns, header.duration_ns))} of {clock(header.duration_ns)}",
            f"in {clock(wall_ns)}",
            "paused" if description["paused"] else speed if isinstance(speed, str) else f"×{speed:g}",
            f"{status.frames:,} frames",
            f"{status.late_ns / 1e6:.1f} ms late" if server.clock.speed is not None else "",
            f"{status.clients} client{'s' * (status.clients != 1)}",
        ]
        return "  ".join(part for part in parts if part)


def clock(ns: int) -> str:
    """Format nanoseconds as `0:05:00`."""
    minutes, seconds = divmod(ns // 10**9, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
