"""Types of options: times, durations, time zones, sizes of parts."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from arirecord.select.addresses import parse_listen
from arirecord.select.times import Time, parse_time
from arirecord.select.units import parse_seconds
from arirecord.select.zones import zone_name

if TYPE_CHECKING:
    from arirecord.capture.rotation import Rotation

__all__ = [
    "DURATION",
    "LISTEN",
    "ROTATION",
    "TIME",
    "Duration",
    "ListenType",
    "RotationType",
    "TimeType",
    "Zone",
    "time_options",
    "timezone_option",
]

Command = TypeVar("Command", bound=Callable[..., object])


class Duration(click.ParamType[float]):
    """`30s`, `5m`, `1h30m`, `500ms`, plain seconds → seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds; fails with an example for anything else."""
        text = str(value)
        seconds = float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else parse_seconds(text)
        if seconds is None or seconds <= 0:
            self.fail(f"{text!r} is not a duration such as 30s, 5m or 1h30m", param, ctx)
        return seconds


class TimeType(click.ParamType[Time]):
    """A time, as docs/select.md describes it."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Time:
        """Return the time; fails with examples for anything else."""
        try:
            return value if isinstance(value, Time) else parse_time(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class ListenType(click.ParamType[tuple[str, int]]):
    """`127.0.0.1:8089`, `:8089` or `8089` → host and port."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return host and port; fails with examples for anything else."""
        try:
            return value if isinstance(value, tuple) else parse_listen(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Zone(click.ParamType[str]):
    """`Europe/Prague`, `UTC` or `local` → the name of a time zone."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; fails with names that are close to it for anything else."""
        try:
            return zone_name(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def timezone_option(help: str) -> Callable[[Command], Command]:
    """Add the option `--timezone`; `help` names what it affects."""
    help = f"{help}: Europe/Prague, local (of this machine) …"
    return click.option("--timezone", type=Zone(), metavar="ZONE", default="UTC", show_default=True, help=help)


def time_options(
    begin: str = "--since",
    *,
    begin_help: str = "Only from then on: 14:03 (each day), 2026-11-23T14:03:10, +5m, seq:1234.",
    until_help: str = "Only before then.",
    others: Sequence[str] = (),
) -> Callable[[Command], Command]:
    """Add the options that select a part of a recording: `begin`, `--until` and `--timezone`.

    others: what else `--timezone` affects.
    """

    def decorate(command: Command) -> Command:
        parts = [begin, "--until", *others]
        command = timezone_option(f"Time zone of {', '.join(parts[:-1])} and {parts[-1]}")(command)
        command = click.option("--until", type=TIME, help=until_help)(command)
        return click.option(begin, type=TIME, help=begin_help)(command)

    return decorate


class RotationType(click.ParamType["Rotation"]):
    """`1h`, `256MB`, `1000000` (rows): when a part is full."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Rotation":
        """Return the rotation; fails with examples for anything else."""
        from arirecord.capture.rotation import Rotation

        try:
            return value if isinstance(value, Rotation) else Rotation.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()
LISTEN = ListenType()
ROTATION = RotationType()
TIME = TimeType()
