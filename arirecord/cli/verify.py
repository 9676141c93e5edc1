"""`arirecord verify`."""

import asyncio
import shlex
import shutil
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
import orjson

from arirecord.ci_results import github_annotation
from arirecord.printable import printable

from .completion import later
from .console import echo, say
from .output import Input, Output, Verb, build_result_options
from .param_types import DURATION, Parsed, read_text
from .replay_types import SPEED

if TYPE_CHECKING:
    from arirecord.replay.verify import Compared, Rule, Verified

__all__ = ["command"]


@click.command("verify", cls=Verb)
@click.argument("session", type=Input())
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- COMMAND...")
@click.option(
    "--speed",
    type=SPEED,
    default="max",
    show_default=True,
    metavar="SPEED",
    help="Speed factor, or max: as fast as the app reacts.",
)
@click.option("--app", "application", metavar="NAME", help="App of the recording, if it has several.")
@click.option(
    "--ignore",
    type=Parsed("rule", later("arirecord.replay.verify:Rule.parse")),
    multiple=True,
    metavar="RULE",
    help="Ignore these requests: 'GET /channels*', or only parameters: 'POST /channels?timeout' (repeatable).",
)
@click.option("--any-order", is_flag=True, help="Ignore the order of requests within a call.")
@click.option(
    "--max-delay",
    type=DURATION,
    default="1s",
    show_default=True,
    help="How much later, or earlier, than in the recording a request may follow an event.",
)
@click.option("--learn", is_flag=True, help="Run the app twice and keep rules for what is new in each run.")
@click.option("--side-by-side", is_flag=True, help="Print the whole recorded and new course of each call that differs.")
@click.option(
    "--stdin",
    "typed",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Write each line of FILE to the app's standard input when the app is quiet.",
)
@click.option("--strict", is_flag=True, help="Also report extra GET requests, repeated failures and default values.")
@click.option("--connect", metavar="URL", help="Connect to an app that waits for an outbound WebSocket.")
@click.option(
    "--pace-timeout",
    type=DURATION,
    default="5s",
    show_default=True,
    help="How much longer than in the recording an event waits for the requests before it.",
)
@click.option(
    "--reruns",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="If calls differ, run the app again, up to N times: what a slow machine caused is gone then.",
)
@click.option(
    "--start-timeout", type=DURATION, default="30s", show_default=True, help="Longest time until the app connects."
)
@build_result_options
def command(
    session: Path,
    command: tuple[str, ...],
    speed: float | None,
    application: str | None,
    ignore: "tuple[Rule, ...]",
    any_order: bool,
    max_delay: float,
    learn: bool,
    side_by_side: bool,
    typed: TextIO | None,
    strict: bool,
    connect: str | None,
    pace_timeout: float,
    reruns: int,
    start_timeout: float,
    form: str,
    junit: Output,
) -> None:
    """Replay a recording to an app and compare its requests with the recorded ones.

    COMMAND is started for each session in SESSION (a file or a folder) and ended afterwards. It receives the address in
    its environment: ARI_URL (http://127.0.0.1:PORT/ari), ARI_BASE_URL (without /ari), ARI_WS_URL
    (ws://127.0.0.1:PORT/ari/events), ARI_HOST, ARI_PORT, ARI_APP, ARI_USER (also ARI_USERNAME) and ARI_PASSWORD. In
    COMMAND, {url}, {base_url}, {ws_url}, {host}, {port}, {app}, {user} and {password} are replaced by the same values.
    The output of the app goes to stderr.

    Requests are compared call by call, in order where one was answered before the other, and with the time after the
    event before them. Ids that the app chooses itself may differ, as may UUIDs and times in values. The differences are
    printed as a diff: `-` was recorded, `+` is what the app does now, `!` came too late or too early. The exit code is
    1 if there is a difference in each of two runs (--reruns). With --learn, parameters with another value in the
    recording and in each of two runs, and requests that the runs repeat more or less often, become rules in a file
    beside the recording, SESSION.rules, which later runs apply.

    \b
    Examples:
      arirecord tap --upstream http://pbx:8088/ari -o transfer.parquet
      arirecord verify transfer.parquet -- python my_app.py
      arirecord verify recordings/ --junit v.xml -- node app.js --ari {base_url}
      arirecord verify transfer.parquet --ignore 'POST /channels?timeout' -- ./app
    """
    from arirecord.errors import VerifyError
    from arirecord.replay.verify import Limits, Verified, VerifyOptions, sessions_in, verify, write_junit
    from arirecord.replay.wire.precise_loop import precise_loop

    limits = Limits(any_order, max_delay, strict)
    typed_lines = read_text(typed).splitlines() if typed is not None else ()
    options = VerifyOptions(speed, pace_timeout, start_timeout, 0.5, application, ignore, limits, connect, typed_lines)
    results = []
    paths = sessions_in(session)

    def replayed(path: Path) -> Verified:
        say(f"Replaying {path} to {command[0]} …")
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            return runner.run(_until_signal(verify(path, command, options, say)))

    def confirmed(path: Path) -> Verified:
        result = replayed(path)
        for _ in range(reruns if result.trouble is None else 0):
            if result.is_same:
                break
            count = sum(not call.is_same for call in result.calls)
            say(f"{path}: {count} of the calls differ; the app runs again to confirm it")
            if (result := replayed(path)).is_same:
                say(f"{path}: the last run had no difference: the app or this machine was slow, or it varies")
        return result

    if learn:
        for path in paths:
            _learn(path, replayed(path), replayed(path))
        return
    for path in paths:
        try:
            results.append(confirmed(path))
        except VerifyError as error:
            if len(paths) == 1:
                raise
            results.append(Verified(path, trouble=str(error)))  # continue with the other sessions
        if form == "text":
            _print(results[-1], command, side_by_side)
        elif form == "github":
            _annotate(results[-1])
    if form == "json":
        echo(orjson.dumps([_as_json(result) for result in results], option=orjson.OPT_INDENT_2).decode())
    if junit.path is not None:
        with junit.file() as path:
            write_junit(results, path)
    if not all(result.is_same for result in results):
        raise SystemExit(1)


def _learn(session: Path, first: "Verified", second: "Verified") -> None:
    """Show the rules that two runs give, and keep them after a confirmation at a terminal."""
    from arirecord.errors import VerifyError
    from arirecord.replay.verify import learned, rules_path, rules_text

    if (trouble := first.trouble or second.trouble) is not None:
        raise VerifyError(f"{session}: {trouble}; nothing was learned")
    if not (rules := learned(first.calls, second.calls)):
        echo(f"{session}: no parameter is new in each run")
        return
    echo("\n".join(rules))
    target = rules_path(session)
    if not sys.stdin.isatty() or click.confirm(f"Keep these in {printable(str(target))}?", default=True):
        text = rules_text(session, rules)
        target.write_text(text, "utf-8")
        say(f"{target}: {len(rules)} new rules; later runs apply them.")


async def _until_signal(result: "Coroutine[Any, Any, Verified]") -> "Verified":
    """Await the result; SIGTERM and SIGHUP end the app and then the command, as Ctrl-C does."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    ended_by: list[int] = []

    def end(number: int) -> None:
        ended_by.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    try:
        return await result
    except asyncio.CancelledError:
        if ended_by:
            raise SystemExit(128 + ended_by[0]) from None
        raise


def _as_json(result: "Verified") -> dict[str, Any]:
    return {
        "session": str(result.path),
        "is_same": result.is_same,
        "trouble": result.trouble,
        "request_count": result.request_count,
        "missed": list(result.missed),
        "calls": [
            {
                "call_id": call.call.channel_id,
                "name": str(call.call),
                "recorded_count": call.recorded_count,
                "is_same": call.is_same,
                "differences": [{"at": hunk.at, "seq": hunk.seq, "lines": list(hunk.lines)} for hunk in call.hunks],
                "course": [list(pair) for pair in call.course],
                "late": list(call.late),
            }
            for call in result.calls
        ],
    }


def _annotate(result: "Verified") -> None:
    """Print an error for each call that differs, as a workflow command of GitHub Actions."""
    errors = [(str(call.call), "\n".join(call.lines())) for call in result.calls if not call.is_same]
    if result.trouble is not None:
        errors.append(("the app", result.trouble))
    for title, text in errors:
        echo(github_annotation("error", result.path, title, text))


def _print(result: "Verified", command: Sequence[str], side_by_side: bool) -> None:
    different = [call for call in result.calls if not call.is_same]
    if different:
        echo(f"--- {result.path}")
        echo(f"+++ {' '.join(command)}")
    for call in different:
        echo("\n".join(call.lines()))
        if side_by_side:
            echo("\n".join(_two_columns(call.course, shutil.get_terminal_size((160, 24)).columns)))
            if row := _ladder_row(result.path, call):
                echo(f"# In the ladder: {row}")
        if call.call.channel_id:
            echo(f"# The recorded call: arirecord explain {shlex.quote(str(result.path))} {call.call.channel_id}")
    if result.missed:
        echo(f"# Waited in vain for {len(result.missed)} recorded requests: {'; '.join(result.missed[:3])}")
    count = f"{len(result.calls)} call{'s' * (len(result.calls) != 1)}, {result.request_count} requests"
    if result.trouble is not None:
        echo(f"{result.path}: {result.trouble} ({count})" if result.calls else f"{result.path}: {result.trouble}")
    elif different:
        echo(f"{result.path}: {count}, {len(different)} of the calls differ")
    else:
        echo(f"{result.path}: {count}, no difference")


def _two_columns(course: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Lines of two columns; between them `<` for a request that is only recorded, `>` a new one, `|` another one."""
    column = max(20, (width - 3) // 2)
    yield f"{'recorded':{column}}   now"
    for recorded, now in course:
        mark = " " if recorded == now else "|" if recorded and now else "<" if recorded else ">"
        yield f"{_cut(recorded, column):{column}} {mark} {_cut(now, column)}".rstrip()


def _ladder_row(session: Path, call: "Compared") -> str:
    """The row of the recorded call's ladder at which the course parts; empty without one."""
    from arirecord.errors import NoSuchCall
    from arirecord.report.build_story import story
    from arirecord.report.ladder_layout import offset_s, offset_text

    seq = next((hunk.seq for hunk in call.hunks), -1)
    if seq < 0 or not call.call.channel_id:
        return ""
    try:
        call_story = story(session, call.call.channel_id, details=True, seq=seq)
    except NoSuchCall:
        return ""
    step = next((step for step in call_story.moments if step.seq == seq), None)
    if step is None:
        return ""
    return f"{offset_text(offset_s(call_story, step.at))} s, {step.actor or ''} {step.what}".strip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
