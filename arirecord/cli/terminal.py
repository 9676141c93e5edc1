"""Words for the person at the terminal: on stderr, and moving ones only where a person watches."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["LIVE_INTERVAL_S", "LOST", "live_line", "progress", "say"]

LIVE_INTERVAL_S = 0.25
LOST = 3
"""Exit code: done, but something was lost."""


def say(text: str) -> None:
    """One line on stderr; a live line that stands there makes room for it."""
    click.echo(f"\r\x1b[2K{text}" if sys.stderr.isatty() else text, err=True)


@contextmanager
def progress(total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """A progress bar on stderr, as a function of `(what, rows done)`; silent when stderr is no terminal."""
    if not sys.stderr.isatty():
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
    """Keep one line on stderr up to date, from a thread of its own so that a stuck terminal stops nobody."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    done = threading.Event()

    def show() -> None:
        with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
            while not done.wait(LIVE_INTERVAL_S):
                live.update(Text(text()), refresh=True)

    thread = threading.Thread(target=show, name="arirecord-live", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=1)
