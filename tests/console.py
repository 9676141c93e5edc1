"""What documents show of a console, run: commands that stand behind `$`, and what they print below.

A page is run from top to bottom in a folder of its own, in which `sample_data` is. Blocks with a title
(```` ```python title="app.py" ````) are files there. In what is printed `…` stands for anything within its line, and in
a line of its own for any lines. A command that ends in `&` goes on until the page ends; what stands below it is what it
says first. `python -m tests.console PAGE…` puts what is printed today into pages.
"""

import difflib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.waiting import HANG_S

__all__ = ["Console", "Shown", "differences", "fits", "run_page", "shown_in"]

ROOT = Path(__file__).parents[1]
PORT = "8088"
"""Where replays of pages listen; a free port takes its place, in commands and in what they print."""
ELSEWHERE = {"curl", "jq"}
"""Programs that a machine may lack; what pages ask of them is then left out."""


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it, without `$` and with continued lines joined, and what it prints."""

    command: str
    output: str
    span: tuple[int, int]
    """Where the output stands in the page."""


def shown_in(page: str) -> Iterator[Shown]:
    """All commands of a page that are to be run."""
    for block in re.finditer(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        for part in re.finditer(r"^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)", block[1], re.MULTILINE):
            command = re.sub(r"\n> ", "\n", part[1]).rstrip("\n")
            start = block.start(1)
            yield Shown(command, part[2], (start + part.start(2), start + part.end(2)))


class Console:
    """A shell in a folder; `last` is the exit code of the command before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last = 0
        self._background: list[subprocess.Popen[str]] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])
        known = ("LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
        self._environment = {
            **{name: os.environ[name] for name in known if name in os.environ},
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUTF8": "1",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._background:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=HANG_S)

    def run(self, command: str, lines: int) -> str | None:
        """What it prints, on stdout and stderr; of a command in the background so many lines. None: not installed."""
        if shlex.split(command)[0] in ELSEWHERE and shutil.which(shlex.split(command)[0]) is None:
            return None
        background = command.endswith(" &")
        process = subprocess.Popen(
            ["bash", "-c", f"(exit {self.last})\n{command.removesuffix('&').replace(PORT, self.port)}"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if background:
            self._background.append(process)
            assert process.stdout is not None
            printed = "".join(process.stdout.readline() for _ in range(lines))
        else:
            printed, _ = process.communicate(timeout=HANG_S)
            self.last = process.returncode
        return printed.replace(self.port, PORT)


def fits(shown: str, printed: str) -> bool:
    """Whether what a page shows is what is printed; spaces at the ends of lines don't count."""
    lines = [line.rstrip() for line in shown.splitlines()]
    pattern = "".join(r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in lines)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())) is not None


def run_page(page: str, folder: Path) -> Iterator[tuple[Shown, str]]:
    """Run a page's commands in an empty folder: each with what it printed."""
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    with Console(folder) as console:
        for name, text in re.findall(r'^```\w+ title="([\w.]+)"\n(.*?)^```$', page, re.DOTALL | re.MULTILINE):
            (folder / name).write_text(text.replace(PORT, console.port))
        for shown in shown_in(page):
            printed = console.run(shown.command, max(1, shown.output.count("\n")))
            if printed is not None:
                yield shown, printed


def differences(page: str, folder: Path) -> list[str]:
    """What a page shows and is not so, in the words of a diff."""
    return [
        "\n".join([f"$ {shown.command}", *difflib.ndiff(shown.output.splitlines(), printed.splitlines())])
        for shown, printed in run_page(page, folder)
        if not fits(shown.output, printed)
    ]


def _renew(path: Path) -> None:
    page = path.read_text()
    with tempfile.TemporaryDirectory() as folder:
        found = list(run_page(page, Path(folder)))
    for shown, printed in reversed(found):
        if not fits(shown.output, printed):
            start, end = shown.span
            page = page[:start] + "".join(f"{line.rstrip()}\n" for line in printed.splitlines()) + page[end:]
    path.write_text(page)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        _renew(Path(name))
