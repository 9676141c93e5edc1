"""Console messages on stderr; progress bars only on a terminal."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING

import click

from arirecord.printable import SafeStream, printable
from arirecord.select.units import duration_text

if TYPE_CHECKING:
    from arirecord.session.header import Header

__all__ = [
    "LIVE_INTERVAL_S", "LOST", "echo", "is_watched", "live_line", "machine_output", "progress", "say", "size_text",
    "summary", "voice", "warn",
]  # fmt: skip

LIVE_INTERVAL_S = 0.25

LOST = 3
"""Exit code: done, but something was lost."""


class _PrintableFormatter(logging.Formatter):
    """Formats log lines, with the texts of servers and callers in them, for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), "\n")


class _Voice:
    """Verbosity: only errors and losses, the normal messages, or also the log of the library.

    has_lost: something could not be read, and the command ends with the exit code `LOST`.
    """

    is_quiet = False
    is_verbose = False
    has_lost = False
    words: "SimpleQueue[str | None] | None" = None

    def be_quiet(self, ctx: click.Context, option: click.Parameter, is_set: bool) -> None:
        """Handle `--quiet`."""
        self.is_quiet = is_set or (self.is_quiet and ctx.parent is not None)

    def be_verbose(self, ctx: click.Context, option: click.Parameter, is_set: bool) -> None:
        """Handle `--verbose`."""
        self.is_verbose = is_set or (self.is_verbose and ctx.parent is not None)
        if self.is_verbose:
            handler = logging.StreamHandler()
            handler.setFormatter(_PrintableFormatter("%(name)s: %(message)s"))
            logging.basicConfig(handlers=[handler])
            logging.getLogger("arirecord").setLevel(logging.DEBUG)


voice = _Voice()


def is_watched() -> bool:
    """Whether stderr is a terminal, without `--quiet`."""
    return sys.stderr.isatty() and not voice.is_quiet


def say(text: str) -> None:
    """Print a line on stderr, unless `--quiet`; it replaces the live line."""
    if not voice.is_quiet:
        warn(text)


def warn(text: str) -> None:
    """Print a line on stderr, also with `--quiet`: something was lost or is not safe."""
    if voice.words is not None:
        voice.words.put(text)
    else:
        _echo(text)


def _echo(text: str) -> None:
    text = printable(text, "\n")
    try:
        click.echo(f"\r\x1b[2K{text}" if sys.stderr.isatty() else text, err=True)
    except OSError:
        # A closed terminal must not end a recording, nor fail again at the exit with what it did not take.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - open to the end


def echo(text: str) -> None:
    """Print text for people on stdout."""
    click.echo(printable(text, "\n"))


def machine_output() -> "IO[bytes] | SafeStream":
    """Return stdout for frames, JSON and CSV: verbatim, but on a terminal without what drives it."""
    return SafeStream(sys.stdout.buffer) if sys.stdout.isatty() else sys.stdout.buffer


@contextmanager
def progress(total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """Show a progress bar, updated by a function of `(step, rows done)`. Only on a terminal."""
    if not is_watched():
        yield lambda what, done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def update(what: str, done: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)  # type: ignore[arg-type]  # rich's TaskID is an int by another name

        yield update


@contextmanager
def live_line(text: Callable[[], str]) -> Iterator[None]:
    """Keep the line, or lines, of `text` on stderr up to date. Only on a terminal.

    A thread prints all messages meanwhile: a blocked terminal must not block a recording.
    """
    words: SimpleQueue[str | None] = SimpleQueue()
    voice.words = words
    thread = threading.Thread(target=_speak, args=(words, text), name="arirecord-words", daemon=True)
    thread.start()
    try:
        yield
    finally:
        voice.words = None
        words.put(None)
        thread.join(timeout=1)


def _speak(words: "SimpleQueue[str | None]", text: Callable[[], str]) -> None:
    if not is_watched():
        while (message := words.get()) is not None:
            _echo(message)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            try:
                message = words.get(timeout=LIVE_INTERVAL_S)
            except Empty:
                lines = Text(printable(text(), "\n"), no_wrap=True, overflow="ellipsis")
                live.update(lines, refresh=True)
                continue
            if message is None:
                return
            _echo(message)


def size_text(count: int) -> str:
    """Return a number of bytes with a unit: `840 B`, `84 kB`, `1.2 MB`, `598 MB`."""
    size, units = float(count), ["B", "kB", "MB", "GB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size:.1f} {units[0]}" if size < 9.95 and units[0] != "B" else f"{size:,.0f} {units[0]}"


def summary(header: "Header", took_s: float) -> str:
    """Return how much a command read and how long it took: `155 events (84 kB) in 98 ms; they span 3.9 s.`"""
    text = f"{header.events:,} events ({size_text(header.frame_bytes)}) in {duration_text(took_s)}"
    return f"{text}; they span {duration_text(header.duration_ns / 1e9)}." if header.events > 1 else f"{text}."
