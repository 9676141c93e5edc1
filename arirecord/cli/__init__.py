"""The command line: one small file per verb, loaded only when that verb is used."""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from arirecord import __version__
from arirecord.errors import ArirecordError, UnknownName, is_out_of_memory
from arirecord.printable import printable
from arirecord.startup import INTERRUPTED, raise_at_ctrl_c
from arirecord.suggest import did_you_mean, unknown_name

from .console import LOST, say, voice, warn
from .interrupt import ended_in_any_case
from .settings_file import default_settings
from .tables import table_groups

__all__ = ["main"]

# group → verb → (module, summary of at most 60 characters). `--help` shows the summaries without loading the modules.
# `module:name`: the module makes the command.
GROUPS = {
    "Record": {
        "capture": ("capture", "Record the ARI event stream of a running Asterisk."),
        "tap": ("tap", "Record an app's events and REST requests, as a proxy."),
        "mark": ("mark", "Add a note to a running recording, or start a new part."),
        "import": ("import_", "Make a session from recorded event streams."),
        "recover": ("recover", "Make a session from a recording that was cut off."),
    },
    "Replay": {
        "replay": ("replay", "Replay a session to ARI clients on localhost."),
        "verify": ("verify", "Replay a session to an app and compare its requests."),
        "demo": ("demo", "Try recording, replay and metrics on a bundled session."),
    },
    "Inspect and convert": {
        "info": ("info", "Show a summary of a session."),
        "cat": ("cat", "Print the frames of a session."),
        "doctor": ("doctor", "Check sessions and journals for damage and losses."),
        "filter": ("filter", "Copy a part of a session to a new session."),
        "merge": ("merge", "Merge several sessions into one, ordered by time."),
        "export": ("export", "Export events as CSV, JSON lines or Parquet."),
        "ingest": ("ingest", "Put sessions into a lake, by server and day."),
        "compact": ("compact", "Write a session in about half the space."),
        "redact": ("redact", "Replace phone numbers and names with pseudonyms."),
        "erase": ("erase", "Erase phone numbers from recordings, in place."),
        "retain": ("retain", "Remove parts that are older than a time."),
        "diff": ("diff", "Compare two sessions by their calls and metrics."),
    },
    "Measure": {
        "explain": ("explain", "Show a call as a ladder diagram."),
        "report": ("report", "Write an HTML report of a session."),
        "check": ("check", "Check recordings against rules, as a release gate."),
        "query": ("query", "Query a session in SQL."),
        "metrics": ("metrics", "Describe the tables, their columns and parameters."),
        "models": ("models", "List the SQL models behind the tables, or print them."),
        "tables": ("build_tables", "Compute the tables of a recording once and keep them."),
    },
    **table_groups(),
    "Other": {
        "help": ("help", "Show the help of a command."),
        "completion": ("completion", "Print the completion script for a shell."),
    },
}
_SETTINGS = f"{__name__}.settings"
VERBS = {verb: entry for group in GROUPS.values() for verb, entry in group.items()}

_OTHER_NAMES = {
    "capture": ("listen", "record", "rec", "start"),
    "replay": ("play", "playback", "serve"),
    "cat": ("dump", "events", "frames", "print", "raw"),
    "info": ("describe", "header", "show", "stats", "status", "summary"),
    "kpis": ("kpi", "statistics", "stats"),
    "doctor": ("fsck", "validate"),
    "check": ("assert", "expect", "gate", "lint", "rules"),
    "filter": ("cut", "extract", "grep", "slice"),
    "export": ("convert", "csv", "json"),
    "redact": ("anonymize", "mask", "pseudonymize"),
    "explain": ("call", "ladder", "trace"),
    "calls": ("call", "cdr", "cdrs"),
    "query": ("sql",),
    "metrics": ("columns", "schema"),
}
"""Names in other tools for our commands."""


class _Verbs(click.Group):
    """The commands. Each is loaded when it is used; errors are printed as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a verb without loading all verbs with the same beginning."""
        verbs = [CompletionItem(verb, help=about) for verb, (_, about) in VERBS.items() if verb.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS and name[:1] != "-" and not ctx.resilient_parsing:
            if meant := [verb for verb, others in _OTHER_NAMES.items() if name.lower() in others]:
                raise UnknownName(f"No command is named {name!r}. {did_you_mean(meant)}")
            raise unknown_name("No command is named", name, VERBS, "`arirecord --help` lists the commands.")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        home, _, table = VERBS[name][0].partition(":")
        module = import_module(f"{__name__}.{home}")
        command: click.Command = module.command_for(table) if table else module.command
        if not ctx.resilient_parsing:
            import_module("orjson")  # crashes the process if an exception is raised while it is imported
            raise_at_ctrl_c()
            _prepare(ctx, name, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, VERBS))
        for group, verbs in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(verb.ljust(width), about) for verb, (_, about) in verbs.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _interrupted() from None
        except BrokenPipeError:
            # The reader of our output has closed it (`| head`): not an error, and Python must not complain on exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except (RuntimeError, MemoryError) as error:
            if "Query interrupted" in str(error):
                raise _interrupted() from None  # Ctrl-C, as DuckDB reports it
            if not is_out_of_memory(error):
                raise
            raise click.ClickException(_sentence(error)) from error
        except UnknownName as error:
            raise click.UsageError(printable(str(error), "\n")) from error
        except click.ClickException as error:
            message = error.message + (_source(error) if isinstance(error, click.BadParameter) else "")
            error.message = printable(message, "\n")  # type: ignore[misc]  # final
            raise
        except _reported_errors() as error:
            if voice.is_verbose:
                warn(traceback.format_exc())
            raise click.ClickException(printable(_sentence(error), "\n")) from error


def _source(error: click.BadParameter) -> str:
    """Return where a wrong value is set, if not on the command line."""
    if error.ctx is None or error.param is None or error.param.name is None:
        return ""
    source = error.ctx.get_parameter_source(error.param.name)
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return f" It is set in {' or '.join(map(str, error.ctx.meta[_SETTINGS]))}."
    if source is click.core.ParameterSource.ENVIRONMENT:
        return f" It is set in the environment by {error.param.envvar}."
    return ""


def _interrupted() -> SystemExit:
    click.echo("\nAborted!", err=True)  # the terminal shows ^C at the beginning of the line
    return SystemExit(INTERRUPTED)


def _reported_errors() -> tuple[type[Exception], ...]:
    duckdb = sys.modules.get("duckdb")  # only if it is loaded: the import takes longer than many a verb
    return (ArirecordError, OSError, *([duckdb.Error] if duckdb else []))


def _sentence(error: Exception) -> str:
    if is_out_of_memory(error):
        return (
            "Memory is short. Inputs are unchanged. End other programs, raise the limit (`ulimit -v`, or that of the"
            " service), or take a part of the recording with `arirecord filter`"
        )
    if "No space left on device" in str(error):  # whichever library wrote
        return "No space left on the disk for the output"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    if unreadable := re.search(r'Failed to read file "(.+?)": (.+)', str(error)):  # DuckDB's message
        path = _as_given(Path(unreadable[1]))
        return f"{path} is damaged: {unreadable[2]}. Run `arirecord doctor {path}`"
    return str(error).partition("\n\nStack Trace")[0].expandtabs(4)


def _as_given(path: Path) -> Path:
    """Return a path that DuckDB got, as a user would write it: without the private link, relative if it can be."""
    path = path.readlink() if path.is_symlink() and not path.is_relative_to(Path.cwd()) else path
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _prepare(ctx: click.Context, verb: str, command: click.Command) -> None:
    """Add to a verb what all verbs have: settings from a file and the environment, `--quiet` and `--verbose`."""
    if verb not in GROUPS["Record"] and verb not in GROUPS["Replay"]:  # these handle Ctrl-C themselves
        ctx.with_resource(ended_in_any_case())
    known = {name for option in command.params for name in option.opts}
    command.params += [option for option in _common_options() if not known & {*option.opts}]
    if ctx.params.get("no_config"):
        return
    ctx.meta[_SETTINGS] = default_settings(ctx, verb, command, VERBS)
    command.invoke = partial(_invoke, command)  # type: ignore[method-assign]  # only now --quiet is known


def _invoke(command: click.Command, ctx: click.Context) -> Any:
    if paths := ctx.meta.get(_SETTINGS):
        say(f"Settings from {' and '.join(map(str, paths))}.")
    _check_texts(command, ctx)
    voice.has_lost = False
    result = type(command).invoke(command, ctx)
    if voice.has_lost:
        raise SystemExit(LOST)
    return result


def _check_texts(command: click.Command, ctx: click.Context) -> None:
    """Refuse texts that are not UTF-8. Names of files, and the command line of an app, may be any bytes."""
    for parameter in command.params:
        if isinstance(parameter.type, click.Path | click.File) or parameter.type is click.UNPROCESSED:
            continue
        value = ctx.params.get(parameter.name or "")
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str) and not one.isascii() and one.encode(errors="replace").decode() != one:
                raise click.BadParameter("the text is not UTF-8", ctx, parameter)


def _common_options() -> list[click.Option]:
    quiet = click.Option(
        ["-q", "--quiet"],
        is_flag=True,
        expose_value=False,
        callback=voice.be_quiet,
        help="Print errors and losses only.",
    )
    verbose = click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        expose_value=False,
        callback=voice.be_verbose,
        help="Print more, and a traceback with errors.",
    )
    return [quiet, verbose]


@click.group(
    cls=_Verbs,
    params=_common_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings file. Default: the user's own, and the nearest arirecord.toml or pyproject.toml with "
    "[tool.arirecord].",
)
@click.option("--no-config", is_flag=True, help="Ignore settings files.")
@click.version_option(__version__, prog_name="arirecord")
def cli(config: Path | None, no_config: bool) -> None:
    """Record, replay and measure calls made with Asterisk.

    \b
    Examples:
      arirecord demo
      arirecord capture --url http://pbx:8088/ari --user ari -o today.parquet
      arirecord replay today.parquet --speed 10
      arirecord query today.parquet "SELECT * FROM transfers"

    Results go to stdout; messages go to stderr. Exit codes: 0 success, 1 error, 2 wrong usage, 3 success but something
    was lost, 130 Ctrl-C. Every option can also be set in the environment (ARIRECORD_CAPTURE_URL for `capture --url`)
    and in a settings file.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command `arirecord`."""
    cli.main(args=args, prog_name="arirecord")
