"""What people type as times."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from arirecord.capture.parts import Rotation

__all__ = ["DURATION", "MOMENT", "ROTATION", "Duration", "Moment", "RotationType"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(text: str) -> float | None:
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    if parts and "".join(n + u for n, u in parts) == text:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


class Duration(click.ParamType[float]):
    """`30s`, `5m`, `1h30m`, `500ms`, plain seconds → seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; fails with an example for anything else."""
        seconds = float(value) if isinstance(value, int | float) else _seconds(str(value))
        if seconds is None or seconds <= 0:
            self.fail(f"{value!r} is no duration such as 30s, 5m or 1h30m", param, ctx)
        return seconds


class Moment(click.ParamType["datetime | timedelta | time"]):
    """`2026-11-23T14:03:10` or `14:03:10` (UTC unless it has an offset), or `+5m` from the start of the recording."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | timedelta | time:
        """A datetime or time with zone, or a timedelta from the start; fails with an example for anything else."""
        if isinstance(value, datetime | timedelta | time):
            return value
        text = str(value)
        if text.startswith("+") and (seconds := _seconds(text[1:])) is not None:
            return timedelta(seconds=seconds)
        try:
            moment = time.fromisoformat(text) if re.match(r"\d\d?:", text) else datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{value!r} is no time such as 2026-11-23T14:03:10 (UTC), 14:03:10 or +5m (from the start)", param, ctx
            )
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @staticmethod
    def to_ns(moment: "datetime | timedelta | time | None", started_ns: int) -> int | None:
        """Nanoseconds since 1970 UTC; a time of day is the first such from the start on."""
        if moment is None:
            return None
        if isinstance(moment, timedelta):
            return started_ns + moment // timedelta(microseconds=1) * 1000
        if isinstance(moment, time):
            started = _EPOCH + timedelta(microseconds=started_ns // 1000)
            moment = datetime.combine(started.astimezone(moment.tzinfo), moment)
            moment += timedelta(days=moment < started)
        return (moment - _EPOCH) // timedelta(microseconds=1) * 1000

    @staticmethod
    def to_utc(moment: "datetime | timedelta | time | None", started_ns: int) -> datetime | None:
        """The same as a datetime in UTC without a zone, as the tables have it."""
        ns = Moment.to_ns(moment, started_ns)
        return None if ns is None else (_EPOCH + timedelta(microseconds=ns // 1000)).replace(tzinfo=None)


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
MOMENT = Moment()
