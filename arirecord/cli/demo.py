"""`arirecord demo`: the other verbs, run as anybody would run them."""

import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

import click

from .terminal import say

__all__ = ["command"]

QUERIES = (
    "SELECT call_id, caller_number, dialled_exten, disposition, duration_s, talk_s, transfer_count"
    " FROM calls ORDER BY started_at LIMIT 8",
    "SELECT call_id, kind, transferer_number AS by_whom, transferee_number AS whom, target, result"
    " FROM transfers ORDER BY seq LIMIT 8",
    "SELECT call_id, digits, gaps_ms FROM dtmf ORDER BY first_seq LIMIT 8",
)


@click.command("demo")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the captured session here.")
@click.option("--speed", default="10", show_default=True, help="Speed of the replay.")
def command(output: Path | None, speed: str) -> None:
    """See it all work: replay a bundled recording of real calls, capture it over a WebSocket, seal it, measure it.

    Needs no Asterisk and no network, and takes less than a minute. Every step is a command you can run yourself.

    \b
    Examples:
      arirecord demo
      arirecord demo --speed max -o mine.parquet
    """
    with ExitStack() as stack:
        recorded = stack.enter_context(as_file(files(__package__).joinpath("demo.parquet")))
        if output is None:
            output = Path(tempfile.mkdtemp(prefix="arirecord-demo-")) / "session.parquet"
        say("1. A recording made at a real Asterisk is given back over a local WebSocket, as Asterisk would:\n")
        replay = stack.enter_context(
            _start("replay", str(recorded), "--speed", speed, "--port", "0", "--at-end", "exit")
        )
        url = _address(replay)
        say("\n2. It is captured over that WebSocket into a new file, and sealed:\n")
        _run("capture", "--url", url, "--app", "demo", "-o", str(output))
        say("\n3. What is in it:\n")
        _run("info", str(output))
        say("\n4. What it says, in SQL:")
        for query in QUERIES:
            say("")
            _run("query", str(output), query)
    say(f'\nThe session is {output}. Ask it more: arirecord query {output} "SHOW TABLES"')


def _command(verb: str, args: tuple[str, ...]) -> list[str]:
    shown = " ".join(f'"{arg}"' if " " in arg else arg for arg in ("arirecord", verb, *args))
    say(f"$ {shown}")
    return [sys.executable, "-m", "arirecord", verb, *args]


def _run(verb: str, *args: str) -> None:
    code = subprocess.run(_command(verb, args), check=False).returncode
    if code:
        raise SystemExit(code)


def _start(verb: str, *args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(_command(verb, args), stderr=subprocess.PIPE, text=True)


def _address(replay: "subprocess.Popen[str]") -> str:
    """The ARI's URL, from what `arirecord replay` says."""
    assert replay.stderr is not None
    for line in replay.stderr:
        say(line.rstrip())
        if found := re.search(r"(?:ws|http)(://\S+?/ari)\b", line):
            return "http" + found[1]
    raise click.ClickException("the replay did not start")
