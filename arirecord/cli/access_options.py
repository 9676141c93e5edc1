"""Options of the verbs that listen: who may connect besides programs of this machine."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TypeVar

import click

from arirecord.asterisk.web_access import WebAccess, is_loopback

from .console import warn
from .replay_types import option_of

__all__ = ["access_options", "check_access"]

Command = TypeVar("Command", bound=Callable[..., object])


def access_options(command: Command) -> Command:
    """Add `--allow-origin`, `--allow-host` and `--insecure-open`, as `replay` has them."""
    from arirecord.replay.options import ReplayOptions

    declared = {each.name: each for each in fields(ReplayOptions)}
    for name in ("insecure_open", "allow_host", "allow_origin"):
        command = option_of(declared[name])(command)
    return command


def check_access(
    host: str, origins: Sequence[str], hosts: Sequence[str], *, has_login: bool, insecure_open: bool, login_help: str
) -> None:
    """Fail as wrong usage, or warn, if other machines could connect without a password.

    login_help: how to require a password, for the message.
    """
    try:
        WebAccess(host, origins, hosts)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if is_loopback(host) or has_login:
        return
    where = host or "all addresses"
    if not insecure_open:
        how = f"{login_help} --insecure-open to accept every client."
        raise click.UsageError(f"Other machines can reach {where}: {how}")
    warn(f"WARNING: OPEN TO THE NETWORK: every machine that reaches {where} can connect (--insecure-open).")
