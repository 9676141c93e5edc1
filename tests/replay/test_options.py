"""The options of a replay: declared once, offered by the function and by the command."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import click
import pytest

import arirecord
from arirecord.cli.output import OutputOption
from arirecord.cli.replay import command
from arirecord.cli.replay_types import values_of
from arirecord.replay.options import ReplayOptions
from arirecord.replay.timing.chaos import Fault

MENU = Path(__file__).parents[2] / "sample_data" / "tapped_menu.parquet"


def test_a_misspelt_option_fails_at_the_call() -> None:
    """Before anything is replayed, and for type checkers."""
    with pytest.raises(TypeError, match="sped"):
        arirecord.replay(MENU, sped=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        arirecord.replay(MENU, "max")  # type: ignore[call-arg]


def test_replay_is_a_function_with_the_options_of_a_replay() -> None:
    """Also after an import of the package of the same name; all can be seen by `help`."""
    assert inspect.isfunction(arirecord.replay)
    assert inspect.getdoc(arirecord.replay)
    names = [field.name for field in dataclasses.fields(ReplayOptions)]
    assert list(inspect.signature(arirecord.replay).parameters) == ["session", *names]


def test_the_command_offers_the_options_that_are_declared() -> None:
    """Each with its help; what is not declared is only on the command line."""
    declared = {field.name: field.metadata["help"] for field in dataclasses.fields(ReplayOptions) if field.metadata}
    offered = {option.name: option.help for option in command.params if isinstance(option, click.Option)}

    assert {name: offered.pop(name) for name in declared} == declared
    assert offered.keys() >= {"start", "until", "timezone", "duration", "only_call"}


def options_of(*arguments: str) -> ReplayOptions:
    """What the command makes of these arguments."""
    declared = {field.name for field in dataclasses.fields(ReplayOptions) if field.metadata} - {"user"}
    with command.make_context("replay", [str(MENU), *arguments]) as context:
        for output in command.params:
            if isinstance(output, OutputOption):
                context.params[output.name or ""] = output.resolve(context)
        values = values_of({name: value for name, value in context.params.items() if name in declared})
    return ReplayOptions(**values)


def test_the_command_without_options_has_the_declared_defaults() -> None:
    assert options_of() == ReplayOptions(port=8088)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("--speed max", {"speed": None}),
        ("--speed 0.5 --loop 0 --seed 7 --at-end exit", {"speed": 0.5, "loop": 0, "seed": 7, "at_end": "exit"}),
        ("--idle-limit 2s --min-gap 5ms", {"idle_limit_ns": 2_000_000_000, "min_gap_ns": 5_000_000}),
        ("--pace client --pace-timeout 1m", {"pace": "client", "pace_timeout_s": 60}),
        (
            "--connect ws://a/ --connect-app a,b --connect-app c",
            {"connect": ("ws://a/",), "connect_apps": tuple("abc")},
        ),
        ("--type Dial --type Other --exclude X", {"types": frozenset({"Dial", "Other"}), "exclude": frozenset("X")}),
        ("--map-app a=b --strict-app --share", {"map_app": (("a", "b"),), "strict_app": True, "share": True}),
        ("--chaos drop@1%,slow=1kB", {"chaos": (Fault("drop", 0, 0.01), Fault("slow", 1000))}),
        ("--chaos-log faults.jsonl", {"chaos_log": Path("faults.jsonl")}),
    ],
)
def test_each_option_of_the_command_sets_what_it_is_named_after(arguments: str, options: dict[str, Any]) -> None:
    assert options_of(*arguments.split()) == dataclasses.replace(ReplayOptions(port=8088), **options)
