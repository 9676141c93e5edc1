"""`arirecord replay`, as a person calls it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from websockets.sync.client import connect

from arirecord.cli.replay import replay
from arirecord.session.reader import open_session
from tests.conftest import Sessions
from tests.waiting import HANG_S


@contextmanager
def command(*args: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command, and the URL it printed."""
    line = [sys.executable, "-c", "from arirecord.cli import main; main()", "replay", *map(str, args)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            found = re.search(r"ws://\S+?app=\w+", first)
            assert found, first
            yield process, found[0]
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(sessions: Sessions, number: signal.Signals) -> None:
    with command(sessions["ivr_dtmf/all"], "--port", 0) as (process, url), connect(url) as connection:
        assert connection.recv()
        process.send_signal(number)
        out, err = process.communicate(timeout=HANG_S)

    assert process.returncode == 0
    assert out == ""
    assert "Client 127.0.0.1" in err
    assert "Traceback" not in err
    assert "\x1b" not in err


@pytest.mark.slow
def test_at_full_speed_to_the_end_and_out(sessions: Sessions) -> None:
    path = sessions["ivr_dtmf/all"]
    with command(path, "--port", 0, "--speed", "max", "--at-end", "exit") as (process, url):
        with connect(url, compression=None) as connection:
            frames = list(connection)
        out, err = process.communicate(timeout=HANG_S)

    assert frames == [frame.raw for frame in open_session(path).frames()]
    assert process.returncode == 0
    assert out == ""
    assert "The recording ends; 230 frames were sent." in err


@pytest.mark.slow
def test_a_port_in_use_is_one_sentence_and_exit_code_1(sessions: Sessions, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = [sys.executable, "-c", "from arirecord.cli import main; main()", "replay"]
        line += ["--record-client", str(tmp_path / "calls.parquet")]
        done = subprocess.run(
            [*line, str(sessions["ivr_dtmf/all"]), "--port", str(port)], capture_output=True, text=True, timeout=HANG_S
        )

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert not (tmp_path / "calls.parquet").exists()


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast", ""])
def test_what_is_no_speed_is_wrong_usage(tmp_path: Path, speed: str) -> None:
    result = CliRunner().invoke(replay, [str(tmp_path), f"--speed={speed}"])

    assert result.exit_code == 2
    assert "is not a speed such as 1, 0.5, 100 or max" in result.stderr


@pytest.mark.slow
def test_a_type_that_the_recording_does_not_have_is_named(sessions: Sessions) -> None:
    """The other types are sent."""
    path = sessions["ivr_dtmf/all"]
    options = ["--port", 0, "--speed", "max", "--at-end", "exit", "--type", "Dial", "--type", "Dail"]
    with command(path, *options) as (process, url):
        with connect(url, compression=None) as connection:
            frames = list(connection)
        assert process.stderr is not None
        assert "--type Dail occurs nowhere; values are " in process.stderr.read()

    assert frames == [frame.raw for frame in open_session(path).frames(types=["Dial"])] != []
