"""Types of options: times, lengths of time, time zones, sizes of parts."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from arirecord.select.times import Time, parse_time
from arirecord.select.units import parse_seconds
from arirecord.select.zones import zone_name

if TYPE_CHECKING:
    from arirecord.capture.parts import Rotation

__all__ = ["DURATION", "ROTATION", "TIME", "Duration", "RotationType", "TimeType", "Zone", "timezone_option"]

Command = TypeVar("Command", bound=Callable[..., object])


class Duration(click.ParamType[float]):
    """`30s`, `5m`, `1h30m`, `500ms`, plain seconds → seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; fails with an example for anything else."""
        text = str(value)
        seconds = float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else parse_seconds(text)
        if seconds is None or seconds <= 0:
            self.fail(f"{text!r} is not a duration such as 30s, 5m or 1h30m", param, ctx)
        return seconds


class TimeType(click.ParamType[Time]):
    """A time, as docs/select.md describes it."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Time:
        """The time; fails with examples for anything else."""
        try:
            return value if isinstance(value, Time) else parse_time(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Zone(click.ParamType[str]):
    """`Europe/Prague`, `UTC` or `local` → the name of a time zone."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; fails with names that are close to it for anything else."""
        try:
            return zone_name(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def timezone_option(help: str) -> Callable[[Command], Command]:
    """The option `--timezone`; `help` names what it governs."""
    help = f"{help}: Europe/Prague, local (of this machine) …"
    return click.option("--timezone", type=Zone(), metavar="ZONE", default="UTC", show_default=True, help=help)


class RotationType(click.ParamType["Rotation"]):
    """`1h`, `256MB`, `1000000` (rows): when a part is full."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Rotation":
        """The rotation; fails with examples for anything else."""
        from arirecord.capture.parts import Rotation

        try:
            return value if isinstance(value, Rotation) else Rotation.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()
ROTATION = RotationType()
TIME = TimeType()
