"""`arirecord demo`: runs other commands on a bundled session."""

import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

import click

from .console import say, voice
from .output import SESSION, Output, OutputOption, Verb

__all__ = ["command"]

TRANSFER = "1795474818.125"
"""A call of the bundled session in which a transferer first talks to the target."""
QUERIES = (
    "SELECT call_id, caller_number, dialled_exten, disposition, duration_s, talk_s, transfer_count"
    " FROM calls ORDER BY started_at LIMIT 8",
    "SELECT call_id, kind, transferer_number AS transferer, transferee_number AS transferee, target, result"
    " FROM transfers ORDER BY seq LIMIT 8",
    "SELECT call_id, digits, gaps_ms FROM dtmf ORDER BY first_seq LIMIT 8",
)


@click.command("demo", cls=Verb)
@click.option("-o", "--output", cls=OutputOption, formats=SESSION, help="Write the captured session here.")
@click.option("--speed", default="10", show_default=True, help="Speed of the replay, or max.")
def command(output: Output, speed: str) -> None:
    """Try everything: replay a bundled session of real calls, capture it over a WebSocket, and measure it.

    The demo needs neither Asterisk nor a network and takes less than a minute. Each step prints the command it runs.

    \b
    Examples:
      arirecord demo
      arirecord demo --speed max -o mine.parquet
    """
    with ExitStack() as stack:
        recorded = stack.enter_context(as_file(files(__package__).joinpath("demo.parquet")))
        made = output.path or Path(tempfile.mkdtemp(prefix="arirecord-demo-")) / "session.parquet"
        say("1. Replay a session, recorded from a real Asterisk, over a local WebSocket:\n")
        replay = stack.enter_context(_start_replay(str(recorded), "--speed", speed, "--port", "0", "--at-end", "exit"))
        url = _address(replay)
        say("\n2. Capture the events from that WebSocket to a new session:\n")
        _run("capture", "--url", url, "--app", "demo", "-o", str(made))
        say("\n3. Show a summary of the new session:\n")
        _run("info", str(made))
        say("\n4. Query it in SQL:")
        for query in QUERIES:
            say("")
            _run("query", str(made), query)
    program = _program()
    say(
        f"\nThe session is {made}. Next:\n"
        f"  {program} explain {made} {TRANSFER}\n"
        "      shows one call, an attended transfer, as a ladder diagram\n"
        f"  {program} report {made} -o {made.with_suffix('.html')}\n"
        "      writes a report to open in a browser\n"
        f"  {program} metrics\n"
        "      lists the tables: calls, transfers, kpis …"
    )


def _program() -> str:
    """Return the command for this shell: the name if it is on the path, otherwise the way this process was started."""
    if shutil.which("arirecord"):
        return "arirecord"
    return sys.argv[0] if Path(sys.argv[0]).stem == "arirecord" else f"{sys.executable} -m arirecord"


def _command(verb: str, args: tuple[str, ...]) -> list[str]:
    shown = " ".join(f'"{arg}"' if " " in arg else arg for arg in ("arirecord", verb, *args))
    say(f"$ {shown}")
    return [sys.executable, "-P", "-m", "arirecord", verb, *args]  # -P: no modules from the current folder


def _run(verb: str, *args: str) -> None:
    quiet = ["--quiet"] if voice.is_quiet else []
    code = subprocess.run([*_command(verb, args), *quiet], check=False).returncode
    if code:
        raise SystemExit(code)


def _start_replay(*args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(_command("replay", args), stderr=subprocess.PIPE, text=True)


def _address(replay: "subprocess.Popen[str]") -> str:
    """Return the URL of the ARI from the messages of `arirecord replay`."""
    assert replay.stderr is not None
    for line in replay.stderr:
        say(line.rstrip())
        if url := re.search(r"(?:ws|http)(://\S+?/ari)\b", line):
            return "http" + url[1]
    raise click.ClickException("The replay did not start.")
