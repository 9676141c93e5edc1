"""The options of a replay on the command line: made from `ReplayOptions`, and their types."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import click

from .completion import complete_event_types, later
from .output import SESSION, Formats, OutputOption
from .param_types import DURATION, Parsed

if TYPE_CHECKING:
    from dataclasses import Field

    from arirecord.replay.timing.call_filter import CallFrames
    from arirecord.select.times import Position
    from arirecord.session.reader import SessionFile

__all__ = ["SPEED", "call_starts", "find_call", "option_of", "values_of"]

Command = TypeVar("Command", bound=Callable[..., object])


def _parse_speed(text: str) -> float | None:
    try:
        speed = None if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if speed is not None and not (0 < speed < math.inf):
        raise ValueError(f"{text!r} is not a speed such as 1, 0.5, 100 or max")
    return speed


def _parse_pair(text: str) -> tuple[str, str]:
    recorded, _, asked = text.partition("=")
    if not recorded or not asked:
        raise ValueError(f"{text!r} is not a pair such as recorder=my_app")
    return recorded, asked


SPEED: Final = Parsed("speed", _parse_speed)
_TYPES: Final[Mapping[str, click.ParamType[Any]]] = {
    "speed": SPEED,
    "port": click.IntRange(0, 65535),
    "loop": click.IntRange(0),
    "seed": click.IntRange(0),
    "map_app": Parsed("names", _parse_pair),
    "connect_apps": Parsed("names", lambda text: [name for name in text.split(",") if name]),
    "chaos": Parsed("faults", later("arirecord.replay.timing.chaos:parse_faults")),
    "pace_timeout_s": DURATION,
    "idle_limit_ns": DURATION,
    "min_gap_ns": DURATION,
}
_OUTPUTS: Final[Mapping[str, Formats]] = {"record_client": SESSION, "chaos_log": {}}
_MORE: Final[Mapping[str, Any]] = {name: {"shell_complete": complete_event_types} for name in ("types", "exclude")}


def option_of(declared: "Field[Any]") -> Callable[[Command], Command]:
    """The option of the command for a field of `ReplayOptions`, from what is declared there."""
    settings: dict[str, Any] = dict(declared.metadata) | _MORE.get(declared.name, {})
    flag = settings.pop("name", declared.name.removesuffix("_s").removesuffix("_ns")).replace("_", "-")
    default = settings.pop("default", declared.default)
    if declared.name in _OUTPUTS:
        settings |= {"cls": OutputOption, "formats": _OUTPUTS[declared.name]}
    elif default is False:
        settings["is_flag"] = True
    elif isinstance(default, tuple | frozenset):
        settings["multiple"] = True
    elif default is not None:
        shown = f"{default}s" if declared.name.endswith("_s") else str(default)
        settings |= {"default": shown, "show_default": True}
    if choices := settings.pop("choices", None):
        settings["type"] = click.Choice(get_args(choices))
    elif declared.name in _TYPES:
        settings["type"] = _TYPES[declared.name]
    return click.option(f"--{flag}", declared.name, **settings)


def values_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `ReplayOptions` for what the command was given."""
    values = dict(given)
    for name in _OUTPUTS:
        values[name] = given[name].path
    for name in ("connect_apps", "chaos"):
        values[name] = tuple(item for items in given[name] for item in items)
    for name in ("types", "exclude"):
        values[name] = frozenset(given[name])
    idle_limit_s, min_gap_s = given["idle_limit_ns"], given["min_gap_ns"]
    values["idle_limit_ns"] = None if idle_limit_s is None else int(idle_limit_s * 1e9)
    values["min_gap_ns"] = int((min_gap_s or 0) * 1e9)
    return values


_BRIDGES = """
SELECT DISTINCT bridge_id FROM ChannelEnteredBridge
WHERE channel_id IN (SELECT channel_id FROM legs WHERE call_id = ?)
"""


def find_call(session: "SessionFile", call: str) -> "CallFrames":
    """Return the call with this id, or with a channel of this id. Fails as wrong usage if the call does not exist."""
    import arirecord
    from arirecord.analytics.call_lookup import LOOKUP_MODELS, has_id
    from arirecord.replay.timing.call_filter import CallFrames
    from arirecord.select.times import Position
    from arirecord.session.positions import find_places

    with arirecord.connect(session, models=LOOKUP_MODELS) as database:
        span = database.execute(
            f"SELECT call_id, min(first_seq), max(last_seq) FROM legs WHERE {has_id([call])} GROUP BY 1"
        ).fetchone()
        if span is None:
            raise click.BadParameter(
                f"The recording has no call or channel {call!r}. `arirecord calls SESSION` lists the calls.",
                param_hint="--only-call",
            )
        call_id, first_seq, last_seq = span
        channels = database.execute("SELECT channel_id FROM legs WHERE call_id = ?", [call_id]).fetchall()
        bridges = database.execute(_BRIDGES, [call_id]).fetchall()
    places = find_places([first_seq, last_seq], session)
    begin, end = places[0], places[-1]
    return CallFrames(
        call_id,
        frozenset(row[0] for row in channels),
        frozenset(row[0] for row in bridges if row[0] is not None),
        begin,
        Position(end.ns, end.seq + 1),
    )


def call_starts(session: "SessionFile") -> "list[Position]":
    """Return the position of each call's begin, in order."""
    import arirecord
    from arirecord.session.positions import find_places

    with arirecord.connect(session, models=["legs"]) as database:
        rows = database.execute("SELECT min(first_seq) FROM legs GROUP BY call_id ORDER BY 1").fetchall()
    return find_places([row[0] for row in rows], session)
