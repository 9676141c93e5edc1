"""What people type as options of a replay."""

import math
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from arirecord.replay.timing.chaos import Fault

__all__ = ["FAULTS", "MAPPED", "SPEED", "Faults", "Mapped", "Speed"]


class Speed(click.ParamType["float | None"]):
    """A number above 0, or `max`, which becomes None."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """The speed; fails with an example for anything else."""
        if value == "max":
            return None
        try:
            speed = float(str(value))
        except ValueError:
            speed = math.nan
        if not (0 < speed < math.inf):
            self.fail(f"{value!r} is not a speed such as 1, 0.5, 100 or max", param, ctx)
        return speed


class Mapped(click.ParamType["tuple[str, str]"]):
    """`recorded=asked`, two names of applications."""

    name = "names"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two; fails with an example for anything else."""
        recorded, _, asked = str(value).partition("=")
        if not recorded or not asked:
            self.fail(f"{value!r} is not a pair such as recorder=my_app", param, ctx)
        return recorded, asked


class Faults(click.ParamType["list[Fault]"]):
    """`drop@1%,stall=2s@StasisStart`: faults on purpose."""

    name = "faults"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "list[Fault]":
        """The faults; fails with a list of what there is for anything else."""
        from arirecord.replay.timing.chaos import parse_faults
        from arirecord.replay.timing.position import ReplayError

        try:
            return parse_faults(str(value))
        except ReplayError as error:
            self.fail(str(error), param, ctx)


FAULTS = Faults()
SPEED = Speed()
MAPPED = Mapped()
