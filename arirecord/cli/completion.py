"""`arirecord completion`."""

import os
import pkgutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

__all__ = ["command", "complete_event_types", "completing", "completing_list", "later"]

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def command(shell: str | None) -> None:
    """Print the script that completes commands, options and values in a shell. Default: your own shell.

    \b
    Examples:
      source <(arirecord completion bash)
      arirecord completion zsh > ~/.zfunc/_arirecord
      arirecord completion fish > ~/.config/fish/completions/arirecord.fish
    """
    from . import cli

    shell = shell or Path(os.environ.get("SHELL", "")).name
    completion_class = get_completion_class(shell)
    if completion_class is None or shell not in _SHELLS:
        raise click.UsageError(f"Name the shell: {', '.join(_SHELLS)}.")
    completion = completion_class(cli, {}, "arirecord", "_ARIRECORD_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())  # its source() would look for a bash first


Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def later(place: str) -> Callable[..., Any]:
    """Return a function that imports `module:name` when it is called, and calls it if it is a function."""

    def call(*args: Any) -> Any:
        value = pkgutil.resolve_name(place)
        return value(*args) if callable(value) else value

    return call


def completing(names: Callable[[], Iterable[str]], suffix: str = "") -> Complete:
    """Complete one of some names, sorted, ignoring case. `names` is called only when the shell asks."""

    def complete(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
        return [f"{name}{suffix}" for name in sorted(names()) if name.lower().startswith(incomplete.lower())]

    return complete


def completing_list(names: Callable[[], Iterable[str]], prefix: str = "") -> Complete:
    """Complete the last of several names separated by commas; `prefix` may be typed before each name."""

    def complete(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        sign = prefix if prefix and last.startswith(prefix) else ""
        done = {name.removeprefix(prefix) for name in before.split(",")}
        begin = last.removeprefix(sign).lower()
        return [f"{before}{comma}{sign}{n}" for n in names() if n.lower().startswith(begin) and n not in done]

    return complete


complete_event_types = completing(later("arirecord.asterisk.catalogue:event_types"))
