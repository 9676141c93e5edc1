"""Settings from files or from the environment.

A file is `arirecord.toml` in the user's own configuration folder, and `arirecord.toml`, or the table `[tool.arirecord]`
of `pyproject.toml`, in the working directory or the nearest one above it. The command line has precedence over the
environment, the environment over the file of the folder, and that over the user's own.

The file of a folder may be from another person. It cannot name outputs, hosts or what weakens a protection.
"""

import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from arirecord.suggest import close_names, did_you_mean

__all__ = ["EVERYWHERE", "apply", "default_settings", "find_config", "is_of_folder", "read_config", "user_config"]

EVERYWHERE = ("url", "user", "app", "filter", "exclude", "format", "timezone")
"""Options that the file may set outside a verb's table, for all verbs that have them."""


_OF_USER = {
    *("output", "force", "file", "unsafe", "ca", "insecure", "takeover", "upstream", "connect"),
    *("host", "listen", "allow-origin", "allow-host", "insecure-open"),
}
"""Options that the file of a folder may not set, besides all outputs and all of `redact`."""
_FOLDER_SETTINGS = f"{__name__}.folder"


def user_config() -> Path:
    """Return the user's own settings file; it need not exist."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not folder.is_absolute():
        folder = Path(os.environ.get("HOME") or "/") / ".config"
    return folder / "arirecord" / "arirecord.toml"


def default_settings(ctx: click.Context, verb: str, command: click.Command, verbs: Collection[str]) -> Sequence[Path]:
    """Set the defaults of a verb from the settings files. Returns the files that set any.

    Raises `click.ClickException` for wrong settings, and for those that the file of a folder may not have.
    """
    named: Path | None = ctx.params.get("config")
    own = [path for path in (user_config(),) if path.is_file()]
    found = find_config(Path.cwd())
    of_folder = {found} - {None, *own} if named is None else set()
    defaults = apply(command, verb, {}, None)
    used = []
    for path in [named] if named is not None else [*own, *of_folder]:
        assert path is not None
        settings = apply(command, verb, read_config(path, verbs), path, is_of_folder=path in of_folder)
        defaults |= settings
        if settings:
            used.append(path)
        if path in of_folder:
            ctx.meta[_FOLDER_SETTINGS] = {*settings}
    ctx.default_map = {**(ctx.default_map or {}), verb: defaults}
    return used


def is_of_folder(ctx: click.Context, name: str) -> bool:
    """Whether the value of a parameter comes from the settings file of a folder."""
    return name in ctx.meta.get(_FOLDER_SETTINGS, ()) and (
        ctx.get_parameter_source(name) is click.core.ParameterSource.DEFAULT_MAP
    )


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


def apply(
    command: click.Command, verb: str, settings: Mapping[str, Any], path: Path | None, *, is_of_folder: bool = False
) -> dict[str, Any]:
    """Let `ARIRECORD_<VERB>_<OPTION>` set each option of a verb, and return the defaults from the settings.

    Raises `click.ClickException` for a setting that is not an option of the verb, or that the file of a folder may not
    have.
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
    if is_of_folder:
        _check_folder_settings(verb, {key: options[key] for key in {**general, **own}}, path)
    return {options[key].name or key: value for key, value in {**general, **own}.items()}


def _check_folder_settings(verb: str, options: Mapping[str, click.Option], path: Path | None) -> None:
    from .output import OutputOption

    outputs = {key for key, option in options.items() if isinstance(option, OutputOption)}
    refused = options.keys() if verb == "redact" else options.keys() & (_OF_USER | outputs)
    if refused:
        raise click.ClickException(
            f"{path} sets --{min(refused)} of {verb}, which a settings file found in a folder may not set. If you "
            f"trust the file, name it: `arirecord --config {path} {verb} …`. Or put the setting into {user_config()}; "
            "`--no-config` ignores the file."
        )


def _advice(name: str, known: Collection[str]) -> str:
    return did_you_mean(close_names(name, known))


def _name(option: click.Option) -> str:
    return max(option.opts, key=len).lstrip("-")


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} is not TOML: {error}") from None
