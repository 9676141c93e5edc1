"""Ctrl-C ends a verb: at once where that is possible, and soon where it is not."""

import signal
import subprocess
import sys

import pytest

from tests.waiting import HANG_S

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
_AT_A_CALL = """
import os, signal, sys
calls, last, module = 0, int(sys.argv.pop(1)), sys.argv.pop(1)

def is_counted():
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return not module or getattr(spec, "_initializing", False)

def count(frame, event, argument):
    global calls
    calls += event == "call" and is_counted()
    if calls == last and last:
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)

from arirecord.startup import end_at_ctrl_c  # what `arirecord.__main__` does first, before anything else is imported
end_at_ctrl_c()
sys.setprofile(count)
from arirecord.__main__ import main
try:
    main()
finally:
    sys.setprofile(None)
    print(calls, flush=True)
"""
_LATER = """
import os, signal
from arirecord.analytics.statement_runner import _interrupted_later
try:
    with _interrupted_later():
        os.kill(os.getpid(), signal.SIGINT)
        print("in peace", flush=True)
except KeyboardInterrupt:
    print("then interrupted", flush=True)
"""


def test_a_question_is_interrupted() -> None:
    """While rows come: exit code 130, one word, no traceback."""
    question = "FROM range(1_000_000_000_000)"
    command = [*COMMAND, "query", str(SAMPLES / "ivr_dtmf.parquet"), question, "--format", "csv"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"range\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=HANG_S)

    assert (process.returncode, said.split()) == (130, [b"Aborted!"])


def interrupted_at(
    call: int, *shell: str, verb: str = "info", module: str = ""
) -> "subprocess.CompletedProcess[bytes]":
    """Run a verb and send it SIGINT when its interpreter calls a Python function for the `call`-th time.

    module: count only calls while this module is being imported.
    """
    command = [sys.executable, "-c", _AT_A_CALL, str(call), module, verb, str(SAMPLES / "ivr_dtmf.parquet")]
    return subprocess.run([*shell, *command], capture_output=True, timeout=HANG_S, check=False)


@pytest.mark.slow
def test_start_up_is_interrupted() -> None:
    """At whatever moment: exit code 130, one word, no traceback, nothing printed."""
    whole = interrupted_at(0)
    assert whole.returncode == 0
    calls = int(whole.stdout.split()[-1])
    for call in (1, 2, 3, *range(10, calls * 9 // 10, calls // 15)):
        done = interrupted_at(call)

        assert (done.returncode, done.stderr.split()) == (130, [b"Aborted!"]), call


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "module"), [("info", "orjson"), ("info", "pyarrow"), ("calls", "duckdb")])
def test_an_import_is_interrupted(verb: str, module: str) -> None:
    """Also an import of a module in C or Rust: orjson 3.13 crashes if an exception is raised in its import."""
    calls = int(interrupted_at(0, verb=verb, module=module).stdout.split()[-1])
    assert calls > 50
    for call in (1, calls // 2, calls * 9 // 10):
        done = interrupted_at(call, verb=verb, module=module)

        assert (done.returncode, done.stderr.split()) == (130, [b"Aborted!"]), call


def test_ctrl_c_is_taken_over_before_any_import() -> None:
    """Until then, it ends in a traceback: the first modules are ours alone, and they import none from a file."""
    code = "import sys; before = {*sys.modules}; import arirecord.startup; print(*sorted({*sys.modules} - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=HANG_S).stdout

    assert loaded.split() == [b"arirecord", b"arirecord.startup"]


def test_ctrl_c_is_ignored_where_it_was() -> None:
    """A background job of a shell script, or one under nohup."""
    done = interrupted_at(100, "sh", "-c", "trap '' INT; exec \"$@\"", "sh")

    assert (done.returncode, done.stderr) == (0, b"")


def test_what_hangs_ends_too() -> None:
    """Whoever does not mind being interrupted is ended."""
    process = subprocess.Popen([sys.executable, "-c", _STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=HANG_S)

    assert process.returncode == 1


def test_a_recursion_is_left_in_peace() -> None:
    """DuckDB would never come back from it: what interrupts comes after it."""
    said = subprocess.run([sys.executable, "-c", _LATER], capture_output=True, check=True, timeout=HANG_S).stdout

    assert said.split(b"\n")[:2] == [b"in peace", b"then interrupted"]
