"""`arirecord completion`."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def command(shell: str | None) -> None:
    """Print the script that completes commands, options and values in a shell. Default: your own shell.

    \b
    Examples:
      arirecord completion bash > ~/.local/share/bash-completion/completions/arirecord
      arirecord completion zsh > ~/.zfunc/_arirecord
      arirecord completion fish > ~/.config/fish/completions/arirecord.fish
    """
    from . import cli

    shell = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(shell)
    if kind is None or shell not in _SHELLS:
        raise click.UsageError(f"Name the shell: {', '.join(_SHELLS)}.")
    completion = kind(cli, {}, "arirecord", "_ARIRECORD_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())  # its source() would look for a bash first
