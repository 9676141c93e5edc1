"""`arirecord help`."""

import click

from .completion import completing, later

__all__ = ["command"]


@click.command("help")
@click.argument("name", metavar="[COMMAND]", required=False, shell_complete=completing(later("arirecord.cli:VERBS")))
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
    _, verb, _ = group.command.resolve_command(group, [name])
    if verb is not None:
        with click.Context(verb, info_name=name, parent=group) as context:
            click.echo(verb.get_help(context))
