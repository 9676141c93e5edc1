"""The whole path: a session replayed over a WebSocket and captured again is the same session."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from arirecord.session.reader import open_session
from tests.cli.conftest import COMMAND, SAMPLES
from tests.waiting import HANG_S


def address(replay: "subprocess.Popen[str]") -> str:
    """The URL that `arirecord replay` says it listens at."""
    assert replay.stderr is not None
    for line in replay.stderr:
        if "ws://" in line:
            return "http://" + line.partition("ws://")[2].partition("/ari")[0] + "/ari"
    raise AssertionError("the replay said no address")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "speed"), [("ivr_dtmf", "10"), ("failed_calls", "100"), ("peak_load", "max")])
def test_capture_of_a_replay_has_the_frames(tmp_path: Path, name: str, speed: str) -> None:
    """Same frames, same order, byte for byte, at any speed."""
    sample = SAMPLES / f"{name}.parquet"
    command = [*COMMAND, "replay", str(sample), "--speed", speed, "--port", "0", "--at-end", "exit"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as replay:
        url = address(replay)
        captured = tmp_path / "captured.parquet"
        subprocess.run(
            [*COMMAND, "capture", "--url", url, "--app", "recorder", "-o", str(captured)],
            check=True,
            stderr=subprocess.DEVNULL,
            timeout=HANG_S,
        )
        replay.communicate(timeout=HANG_S)

    assert replay.returncode == 0
    before, after = open_session(sample).frames(), open_session(captured).frames()
    assert all(a.raw == b.raw for a, b in zip(before, after, strict=True))


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    """Runs and names its steps, leaves the session it captured; the next command it names runs in the same shell."""
    env = {**os.environ, "PATH": "/usr/bin:/bin"}
    captured = tmp_path / "demo.parquet"
    demo = subprocess.run(
        [*COMMAND, "demo", "--speed", "max", "-o", str(captured)],
        check=True,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        env=env,
    )

    assert demo.stderr.count("$ arirecord ") == 6
    assert "Traceback" not in demo.stderr
    assert "attended" in demo.stdout
    assert open_session(captured).header.events == open_session(SAMPLES / "transfers.parquet").header.events
    (explain,) = re.findall(r"^  (.* explain .*)$", demo.stderr, re.MULTILINE)
    shown = subprocess.run(explain, shell=True, check=True, capture_output=True, text=True, timeout=HANG_S, env=env)
    assert "attended" in shown.stdout
