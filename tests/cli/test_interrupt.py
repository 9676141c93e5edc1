"""Ctrl-C ends a verb: at once where that is possible, and soon where it is not."""

import signal
import subprocess
import sys

from .conftest import COMMAND, SAMPLES

_STUBBORN = """
from arirecord.cli.interrupt import ended_in_any_case
words = ["ready"]
with ended_in_any_case(0.5):
    while True:
        try:
            while True:
                if words:
                    print(words.pop(), flush=True)
        except KeyboardInterrupt:
            pass
"""
_LATER = """
import os, signal
from arirecord.analytics.connection import _interrupted_later
try:
    with _interrupted_later():
        os.kill(os.getpid(), signal.SIGINT)
        print("in peace", flush=True)
except KeyboardInterrupt:
    print("then interrupted", flush=True)
"""


def test_a_question_is_interrupted() -> None:
    """While rows come: exit code 1, one word, no trace of a program."""
    question = "FROM range(1_000_000_000_000)"
    command = [*COMMAND, "query", str(SAMPLES / "ivr_dtmf.parquet"), question, "--format", "csv"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"range\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert (process.returncode, said.split()) == (1, [b"Aborted!"])


def test_what_hangs_ends_too() -> None:
    """Whoever does not mind being interrupted is ended."""
    process = subprocess.Popen([sys.executable, "-c", _STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 1


def test_a_recursion_is_left_in_peace() -> None:
    """DuckDB would never come back from it: what interrupts comes after it."""
    said = subprocess.run([sys.executable, "-c", _LATER], capture_output=True, check=True, timeout=30).stdout

    assert said.split(b"\n")[:2] == [b"in peace", b"then interrupted"]
