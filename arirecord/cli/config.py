"""Settings from a file or from the environment.

The file is `arirecord.toml`, or the table `[tool.arirecord]` of `pyproject.toml`, in the working directory or the
nearest one above it. The command line has precedence over the environment, the environment over the file.
"""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from arirecord.suggest import close_names, did_you_mean

__all__ = ["EVERYWHERE", "apply", "find_config", "read_config"]

EVERYWHERE = ("url", "user", "app", "filter", "exclude", "format", "timezone")
"""Options that the file may set outside a verb's table, for all verbs that have them."""


def find_config(start: Path) -> Path | None:
    """Return the settings file for a folder; None if no file exists."""
    for folder in (start, *start.parents):
        own, project = folder / "arirecord.toml", folder / "pyproject.toml"
        if own.is_file():
            return own
        if project.is_file() and "arirecord" in _load(project).get("tool", {}):
            return project
    return None


def read_config(path: Path, verbs: Collection[str]) -> Mapping[str, Any]:
    """Return the settings of a file. Raises `click.ClickException` for wrong TOML, commands and options."""
    whole = _load(path)
    settings = whole.get("tool", {}).get("arirecord", {}) if path.name == "pyproject.toml" else whole
    for key, value in settings.items():
        if isinstance(value, dict) and key not in verbs:
            raise click.ClickException(f"{path}: [{key}] is not a command. {_advice(key, verbs)}")
        if not isinstance(value, dict) and key not in EVERYWHERE:
            known = ", ".join(EVERYWHERE)
            raise click.ClickException(f"{path}: {key!r} belongs in the table of a command. Outside of tables: {known}")
    found: Mapping[str, Any] = settings
    return found


def apply(command: click.Command, verb: str, settings: Mapping[str, Any], path: Path | None) -> dict[str, Any]:
    """Let `ARIRECORD_<VERB>_<OPTION>` set each option of a verb, and return the defaults from the settings.

    Raises `click.ClickException` for a setting that is not an option of the verb.
    """
    options = {_name(option): option for option in command.params if isinstance(option, click.Option)}
    for name, option in options.items():
        if option.envvar is None:
            option.envvar = f"ARIRECORD_{verb}_{name}".upper().replace("-", "_")
    general = {key: settings[key] for key in EVERYWHERE if key in settings and key in options}
    own = {key.replace("_", "-"): value for key, value in settings.get(verb, {}).items()}
    if unknown := own.keys() - options.keys():
        raise click.ClickException(
            f"{path}: {verb} has no option --{min(unknown)}. {_advice(min(unknown), options)}".rstrip()
        )
    return {options[key].name or key: value for key, value in {**general, **own}.items()}


def _advice(name: str, known: Collection[str]) -> str:
    return did_you_mean(close_names(name, known))


def _name(option: click.Option) -> str:
    return max(option.opts, key=len).lstrip("-")


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} is not TOML: {error}") from None
