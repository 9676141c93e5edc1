"""Settings from files or from the environment.

A file is `arirecord.toml` in the user's own configuration folder, and `arirecord.toml`, or the table `[tool.arirecord]`
of `pyproject.toml`, in the working directory or the nearest one above it. The command line has precedence over the
environment, the environment over the file of the folder, and that over the user's own.

The file of a folder may be from another person. It cannot name outputs, hosts or what weakens a protection.

`[[capture]]` tables describe several recordings of one process. They come from the user's own file or from `--config`.
"""

import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import click

from arirecord.suggest import close_names, did_you_mean

__all__ = [
    "EVERYWHERE", "RepeatedTable", "apply", "default_settings", "find_config", "is_of_folder", "read_config",
    "repeated_tables", "user_config",
]  # fmt: skip

EVERYWHERE = ("url", "user", "app", "filter", "exclude", "format", "timezone")
"""Options that the file may set outside a verb's table, for all verbs that have them."""


_OF_USER = {
    *("output", "force", "file", "unsafe", "ca", "insecure", "takeover", "upstream", "connect"),
    *("host", "listen", "allow-origin", "allow-host", "insecure-open", "master"),
}
"""Options that the file of a folder may not set, besides all outputs and those of `_VERBS_OF_USER`."""
_VERBS_OF_USER = ("erase", "redact", "retain")
"""Verbs whose options decide what is removed: the file of a folder may not set any."""
_REPEATED = ("capture",)
"""Verbs that a file may have several tables of: `[[capture]]`."""
_FOLDER_SETTINGS = f"{__name__}.folder"
_REPEATED_TABLES = f"{__name__}.repeated"


class RepeatedTable(NamedTuple):
    """One `[[VERB]]` table: the file, its `name` in the table (None: it has none), and defaults of the verb's options,
    by parameter, with those of the file that stand outside of tables.
    """

    path: Path
    name: str | None
    defaults: Mapping[str, Any]


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
    nearest = find_config(Path.cwd())
    of_folder = {nearest} - {None, *own} if named is None else set()
    defaults = apply(command, verb, {}, None)
    used = []
    for path in [named] if named is not None else [*own, *of_folder]:
        assert path is not None
        content = read_config(path, verbs)
        settings = apply(command, verb, content, path, is_of_folder=path in of_folder)
        tables = _repeated_tables(command, verb, content, path, is_of_folder=path in of_folder)
        defaults |= settings
        if settings or tables:
            used.append(path)
        if path in of_folder:
            ctx.meta[_FOLDER_SETTINGS] = {*settings}
        if tables:
            ctx.meta[_REPEATED_TABLES] = tables
    ctx.default_map = {**(ctx.default_map or {}), verb: defaults}
    return used


def repeated_tables(ctx: click.Context) -> Sequence[RepeatedTable]:
    """Return the `[[VERB]]` tables of the verb that runs. The settings of a folder's file are not in them."""
    tables: Sequence[RepeatedTable] = ctx.meta.get(_REPEATED_TABLES, ())
    return tables


def is_of_folder(ctx: click.Context, name: str) -> bool:
    """Whether the value of a parameter comes from the settings file of a folder."""
    return (
        name in ctx.meta.get(_FOLDER_SETTINGS, ())
        and not repeated_tables(ctx)
        and (ctx.get_parameter_source(name) is click.core.ParameterSource.DEFAULT_MAP)
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
        is_repeated = isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
        if is_repeated and key not in _REPEATED:
            raise click.ClickException(f"{path}: [[{key}]] cannot be repeated. Only [[capture]] can; write [{key}]")
        if not isinstance(value, dict) and not is_repeated and key not in EVERYWHERE:
            known = ", ".join(EVERYWHERE)
            raise click.ClickException(f"{path}: {key!r} belongs in the table of a command. Outside of tables: {known}")
    return cast("Mapping[str, Any]", settings)


def apply(
    command: click.Command, verb: str, settings: Mapping[str, Any], path: Path | None, *, is_of_folder: bool = False
) -> dict[str, Any]:
    """Let `ARIRECORD_<VERB>_<OPTION>` set each option of a verb, and return the defaults from the settings.

    Raises `click.ClickException` for a setting that is not an option of the verb, or that the file of a folder may not
    have.
    """
    options = _options(command)
    for name, option in options.items():
        if option.envvar is None:
            option.envvar = f"ARIRECORD_{verb}_{name}".upper().replace("-", "_")
    table = settings.get(verb, {})
    return _defaults(options, verb, settings, {} if isinstance(table, list) else table, path, is_of_folder=is_of_folder)


def _repeated_tables(
    command: click.Command, verb: str, settings: Mapping[str, Any], path: Path, *, is_of_folder: bool
) -> list[RepeatedTable]:
    tables = settings.get(verb)
    if not isinstance(tables, list):
        return []
    if is_of_folder:
        raise click.ClickException(
            f"{path} has [[{verb}]] tables, which a settings file found in a folder may not have: they name "
            f"outputs and hosts. {_trust_advice(verb, path)}"
        )
    options = _options(command)
    repeated = []
    for table in tables:
        own = {key: value for key, value in table.items() if key != "name"}
        name = table.get("name")
        if not isinstance(name, str | None) or name == "":
            raise click.ClickException(f"{path}: the name of a [[{verb}]] table must be a text, not {name!r}")
        repeated.append(RepeatedTable(path, name, _defaults(options, verb, settings, own, path)))
    return repeated


def _options(command: click.Command) -> dict[str, click.Option]:
    return {_name(option): option for option in command.params if isinstance(option, click.Option)}


def _defaults(
    options: Mapping[str, click.Option],
    verb: str,
    settings: Mapping[str, Any],
    table: Mapping[str, Any],
    path: Path | None,
    *,
    is_of_folder: bool = False,
) -> dict[str, Any]:
    """Return the defaults, by parameter, from a table of a file and what stands outside of the tables."""
    general = {key: settings[key] for key in EVERYWHERE if key in settings and key in options}
    own = {key.replace("_", "-"): value for key, value in table.items()}
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
    refused = options.keys() if verb in _VERBS_OF_USER else options.keys() & (_OF_USER | outputs)
    if refused:
        raise click.ClickException(
            f"{path} sets --{min(refused)} of {verb}, which a settings file found in a folder may not set. "
            f"{_trust_advice(verb, path)}"
        )


def _trust_advice(verb: str, path: Path | None) -> str:
    return (
        f"If you trust the file, name it: `arirecord --config {path} {verb} …`. Or put the setting into "
        f"{user_config()}; `--no-config` ignores the file."
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
