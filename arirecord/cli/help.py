"""`arirecord help`."""

from collections.abc import Iterable

import click

from .completion import completing

__all__ = ["command"]


def _verbs() -> Iterable[str]:
    from . import VERBS

    return VERBS


@click.command("help")
@click.argument("name", metavar="[COMMAND]", required=False, shell_complete=completing(_verbs))
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Show the help of a command; without COMMAND, list all commands.

    \b
    Examples:
      arirecord help
      arirecord help explain
    """
    group = ctx.parent
    assert group is not None and isinstance(group.command, click.Group)
    if name is None:
        click.echo(group.get_help())
        return
    _, found, _ = group.command.resolve_command(group, [name])
    if found is not None:
        with click.Context(found, info_name=name, parent=group) as context:
            click.echo(found.get_help(context))
