"""Shell completion of option values: columns, event types, tables and other names."""

from collections.abc import Callable, Iterable

import click

__all__ = ["complete_event_types", "completing", "completing_list"]

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def completing(names: Callable[[], Iterable[str]], suffix: str = "") -> Complete:
    """Complete one of some names; capitals make no difference. `names` is called only when the shell asks."""

    def complete(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
        return [f"{name}{suffix}" for name in names() if name.lower().startswith(incomplete.lower())]

    return complete


def completing_list(names: Callable[[], Iterable[str]], prefix: str = "") -> Complete:
    """Complete the last of several names with commas between; `prefix` may be typed before each name."""

    def complete(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        sign = prefix if prefix and last.startswith(prefix) else ""
        done = {name.removeprefix(prefix) for name in before.split(",")}
        found = completing(names)(ctx, option, last.removeprefix(sign))
        return [f"{before}{comma}{sign}{name}" for name in found if name not in done]

    return complete


def _event_types() -> Iterable[str]:
    from arirecord.asterisk.catalogue import event_types

    return event_types()


complete_event_types = completing(_event_types)
