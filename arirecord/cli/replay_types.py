"""What people type as options of a replay."""

import math

import click

__all__ = ["MAPPED", "SPEED", "Mapped", "Speed"]


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
            self.fail(f"{value!r} is no speed such as 1, 0.5, 100 or max", param, ctx)
        return speed


class Mapped(click.ParamType["tuple[str, str]"]):
    """`recorded=asked`, two names of applications."""

    name = "names"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two; fails with an example for anything else."""
        recorded, _, asked = str(value).partition("=")
        if not recorded or not asked:
            self.fail(f"{value!r} is no pair such as recorder=my_app", param, ctx)
        return recorded, asked


SPEED = Speed()
MAPPED = Mapped()
