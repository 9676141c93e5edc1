"""`arirecord verify`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import echo, say
from .output import Input, Output, Verb, output_options
from .param_types import DURATION

if TYPE_CHECKING:
    from arirecord.replay.verify import Rule, Verified

__all__ = ["command"]


class _RuleType(click.ParamType["Rule"]):
    """`METHOD PATH` or `METHOD PATH?NAME,NAME`."""

    name = "rule"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Rule":
        """Return a rule; fails with an example for anything else."""
        from arirecord.replay.verify import Rule

        if isinstance(value, Rule):
            return value
        try:
            return Rule.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("verify", cls=Verb)
@click.argument("session", type=Input())
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option(
    "--speed",
    default="max",
    show_default=True,
    metavar="SPEED",
    help="Speed factor, or max: as fast as the app reacts.",
)
@click.option("--app", "application", metavar="NAME", help="App of the recording, if it has several.")
@click.option(
    "--ignore",
    type=_RuleType(),
    multiple=True,
    metavar="RULE",
    help="Ignore these requests: 'GET /channels*', or only parameters: 'POST /channels?timeout' (repeatable).",
)
@click.option("--any-order", is_flag=True, help="Ignore the order of requests within a call.")
@click.option(
    "--pace-timeout",
    type=DURATION,
    default="5s",
    show_default=True,
    help="Longest time that an event waits for a request that the recorded app made before it.",
)
@click.option(
    "--start-timeout", type=DURATION, default="30s", show_default=True, help="Longest time until the app connects."
)
@output_options("--junit", formats={"xml": (".xml",)}, metavar="FILE", help="Also write JUnit XML.")
def command(
    session: Path,
    command: tuple[str, ...],
    speed: str,
    application: str | None,
    ignore: "tuple[Rule, ...]",
    any_order: bool,
    pace_timeout: float,
    start_timeout: float,
    junit: Output,
) -> None:
    """Replay a recording to an app and compare its requests with the recorded ones.

    COMMAND is started for each session in SESSION (a file or a folder) and ended afterwards. It receives the address in
    its environment: ARI_URL (http://127.0.0.1:PORT/ari), ARI_BASE_URL (without /ari), ARI_WS_URL
    (ws://127.0.0.1:PORT/ari/events), ARI_HOST, ARI_PORT, ARI_APP, ARI_USER (also ARI_USERNAME) and ARI_PASSWORD. In
    COMMAND, {url}, {base_url}, {ws_url}, {host}, {port}, {app}, {user} and {password} are replaced by the same values.
    The output of the app goes to stderr.

    Requests are compared call by call and in order. Ids that the app chooses itself may differ, as may UUIDs and times
    in values. The first difference of each call is printed as a diff: `-` was recorded, `+` is what the app does now.
    The exit code is 1 if there is a difference.

    \b
    Examples:
      arirecord tap --upstream http://pbx:8088/ari -o transfer.parquet     record it first
      arirecord verify transfer.parquet -- python my_app.py
      arirecord verify recordings/ --junit verify.xml -- node app.js --ari {base_url} --name {app}
      arirecord verify transfer.parquet --ignore 'GET *' --ignore 'POST /channels?timeout,variables.trace' -- ./app
    """
    from arirecord.errors import VerifyError
    from arirecord.replay.verify import Verified, VerifyOptions, sessions_in, verify, write_junit
    from arirecord.replay.wire.precise_loop import precise_loop

    options = VerifyOptions(_speed(speed), pace_timeout, start_timeout, 0.5, application, ignore, any_order)
    results = []
    paths = sessions_in(session)
    for path in paths:
        say(f"Replaying {path} to {command[0]} …")
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            try:
                results.append(runner.run(verify(path, command, options, say)))
            except VerifyError as error:
                if len(paths) == 1:
                    raise
                results.append(Verified(path, trouble=str(error)))  # continue with the other sessions
        _tell(results[-1], command)
    if junit.path is not None:
        with junit.file() as path:
            write_junit(results, path)
    if not all(result.is_same for result in results):
        raise SystemExit(1)


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{text!r} is not a number above 0 or max", param_hint="--speed")
    return speed


def _tell(result: "Verified", command: Sequence[str]) -> None:
    different = [call for call in result.calls if not call.is_same]
    if different:
        echo(f"--- {result.path}")
        echo(f"+++ {' '.join(command)}")
    for call in different:
        echo("\n".join(call.lines()))
    count = f"{len(result.calls)} call{'s' * (len(result.calls) != 1)}, {result.request_count} requests"
    if result.trouble is not None:
        echo(f"{result.path}: {result.trouble} ({count})" if result.calls else f"{result.path}: {result.trouble}")
    elif different:
        echo(f"{result.path}: {count}, {len(different)} of the calls differ")
    else:
        echo(f"{result.path}: {count}, no difference")
