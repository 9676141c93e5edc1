"""The command line: one small file per verb, loaded only when that verb is used."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from arirecord import __version__
from arirecord.errors import ArirecordError

__all__ = ["main"]

# group → verb → (module, what it does); the last saves loading the module for --help
GROUPS = {
    "Record": {
        "capture": ("capture", "Record the event stream of a running Asterisk."),
        "tap": ("tap", "Record what an application and Asterisk say, from in between."),
        "mark": ("mark", "Put a note into a running recording."),
        "import": ("import_", "Make a session of streams you already have."),
        "recover": ("recover", "Make a session of a recording that was cut off."),
    },
    "Replay": {
        "replay": ("replay", "Give a session back over a local WebSocket."),
        "demo": ("demo", "See it all work on a bundled recording."),
    },
    "Handle": {
        "info": ("info", "Say what is in a session."),
        "cat": ("cat", "Print the frames of a session."),
        "doctor": ("doctor", "Say what is wrong with a session or a journal."),
        "filter": ("filter", "Make a session of a part of another."),
    },
    "Measure": {
        "query": ("query", "Ask a session in SQL."),
    },
}
VERBS = {verb: said for group in GROUPS.values() for verb, said in group.items()}


class _Verbs(click.Group):
    """Loads a verb when it is called, and turns what goes wrong into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = import_module(f"{__name__}.{VERBS[name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, VERBS))
        for group, verbs in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(verb.ljust(width), about) for verb, (_, about) in verbs.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ArirecordError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            # The reader of our output has had enough (`| head`): not an error, and Python must not complain on exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            what = f"{error.strerror}: {error.filename}" if error.strerror and error.filename else str(error)
            raise click.ClickException(what) from error


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="arirecord")
def cli() -> None:
    """Record, replay and measure telephone calls made with Asterisk.

    \b
    Examples:
      arirecord demo
      arirecord capture --url http://pbx:8088/ari --user ari -o today.parquet
      arirecord replay today.parquet --speed 10
      arirecord query today.parquet "SELECT * FROM transfers"

    Results go to stdout, words to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but something was lost.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Entry point of the command `arirecord`."""
    cli.main(args=args, prog_name="arirecord")
