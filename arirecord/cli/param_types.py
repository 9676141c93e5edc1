"""Types of options: a function parses the text of each."""

import re
from collections.abc import Callable, Sequence
from datetime import date, time
from typing import IO, TYPE_CHECKING, Generic, TypeVar

import click

from arirecord.errors import ArirecordError
from arirecord.select.addresses import parse_listen
from arirecord.select.times import parse_time
from arirecord.select.units import parse_seconds
from arirecord.select.zones import zone_name

from .completion import complete_event_types, completing, later

if TYPE_CHECKING:
    from arirecord.capture.rotation import Rotation

__all__ = [
    "AGE", "DURATION", "LISTEN", "ROTATION", "TIME", "Parsed", "read_text", "settings_option", "time_options",
    "timezone_option", "types_option",
]  # fmt: skip

Command = TypeVar("Command", bound=Callable[..., object])
Value = TypeVar("Value")

_UNPARSED = (str, int, float, date, time)
"""Values of the command line, and of a settings file."""
_LEAST_AGE_S = 3600


class Parsed(click.ParamType[Value], Generic[Value]):
    """The values that a function makes of texts. Its `ValueError` or `ArirecordError` fails as wrong usage.

    name: what the value is, in a message and in `--help`.
    """

    def __init__(self, name: str, parse: Callable[[str], Value]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Value | str, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        """Return the value; one that is parsed already is returned as it is."""
        if not isinstance(value, _UNPARSED):
            return value
        try:
            return self._parse(str(value))
        except (ValueError, ArirecordError) as error:
            self.fail(str(error), param, ctx)


def _parse_duration(text: str) -> float:
    seconds = float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else parse_seconds(text)
    if seconds is None or seconds <= 0:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m or 1h30m")
    return seconds


def _parse_age(text: str) -> float:
    """Return the seconds of an age, an hour or more: `90` and `3m` may be meant as days and months."""
    if re.fullmatch(r"[\d.]+", text):
        raise ValueError(f"{text!r} has no unit: write {text}d for days")
    if (age_s := _parse_duration(text)) < _LEAST_AGE_S:
        raise ValueError(f"{text!r} is less than an hour; m means minutes: write days as in 90d")
    return age_s


AGE = Parsed("age", _parse_age)
DURATION = Parsed("duration", _parse_duration)
LISTEN = Parsed("address", parse_listen)
ROTATION: Parsed["Rotation"] = Parsed("size", later("arirecord.capture.rotation:Rotation.parse"))
TIME = Parsed("time", parse_time)
ZONE = Parsed("zone", zone_name)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not a setting such as dtmf_gap_ms=5000")
    from arirecord.analytics.parameters import set_statement

    set_statement(name.strip(), value.strip())  # raises for an unknown parameter or value
    return name.strip(), value.strip()


def read_text(file: IO[str]) -> str:
    """Return the text of a file of an option. Fails as wrong usage if it is not UTF-8."""
    try:
        return file.read()
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is not text in UTF-8: save it as UTF-8") from None


settings_option = click.option(
    "--set",
    "settings",
    type=Parsed("setting", _setting),
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=completing(later("arirecord.analytics.parameters:parameters"), "="),
    help="Set a parameter; `arirecord metrics --parameters` lists them (repeatable).",
)


def timezone_option(help: str) -> Callable[[Command], Command]:
    """Add the option `--timezone`; `help` names what it affects."""
    help = f"{help}: Europe/Prague, local (of this machine) …"
    return click.option("--timezone", type=ZONE, metavar="ZONE", default="UTC", show_default=True, help=help)


def types_option(*declarations: str, help: str) -> Callable[[Command], Command]:
    """Add an option that names types of events, and can be repeated."""
    return click.option(*declarations, multiple=True, metavar="TYPE", shell_complete=complete_event_types, help=help)


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
