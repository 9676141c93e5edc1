"""Running the real command, as a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import HANG_S

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
COMMAND = [sys.executable, "-m", "arirecord"]
SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("info", path, code=0, input=b"")`: runs the command in a fresh folder and checks its exit code."""

    def run(*args: object, code: int = 0, **options: object) -> "subprocess.CompletedProcess[bytes]":
        done = subprocess.run([*COMMAND, *map(str, args)], cwd=tmp_path, capture_output=True, timeout=HANG_S, **options)  # type: ignore[call-overload]
        assert done.returncode == code, done.stderr.decode()
        assert b"Traceback" not in done.stderr
        result: subprocess.CompletedProcess[bytes] = done
        return result

    return run
