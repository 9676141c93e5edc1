"""Several `[[capture]]` tables in one process: real replay servers, of which some are killed, refuse or come late."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from arirecord.capture.control import ask_recording
from arirecord.cli import cli
from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from tests.cli.conftest import COMMAND, SAMPLES
from tests.test_whole_path import address
from tests.waiting import HANG_S, wait_for

from .test_capture import finish, journal_size

pytestmark = pytest.mark.slow


@contextmanager
def replay(name: str, *options: str, port: int = 0) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A replay server of a sample; gives its URL and its process."""
    command = [*COMMAND, "replay", str(SAMPLES / f"{name}.parquet"), "--port", str(port), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield address(process), process
        finally:
            process.kill()


def settings(tmp_path: Path, **tables: str) -> Path:
    """A settings file with a table for each name; `OUT` stands for the folder of the test."""
    text = 'app = "recorder"\n' + "".join(f'[[capture]]\nname = "{name}"\n{table}\n' for name, table in tables.items())
    path = tmp_path / "servers.toml"
    path.write_text(text.replace("OUT", str(tmp_path)))
    return path


def captures(config: Path, *options: str, **environment: str) -> "subprocess.Popen[str]":
    command = [*COMMAND, "--config", str(config), "capture", *options]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
    )


def read_until(process: "subprocess.Popen[str]", is_reached: Callable[[str], bool]) -> str:
    """What the process prints until it is so."""
    said = ""
    assert process.stderr is not None
    while not is_reached(said):
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def raws(session: Path) -> list[str]:
    return [frame.raw for frame in open_session(session).frames()]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_each_server_has_its_recording(tmp_path: Path) -> None:
    """Both streams end: every frame of each is in its own session, byte for byte; exit code 0."""
    with (
        replay("ivr_dtmf", "--speed", "max", "--at-end", "exit") as (north, _),
        replay("failed_calls", "--speed", "max", "--at-end", "exit") as (south, _),
    ):
        config = settings(
            tmp_path,
            north=f'url = "{north}"\noutput = "OUT/north.parquet"',
            south=f'url = "{south}"\noutput = "OUT/south/"\nrotate = "100"',
        )
        words = finish(captures(config))

    assert raws(tmp_path / "north.parquet") == raws(SAMPLES / "ivr_dtmf.parquet")
    assert raws(tmp_path / "south") == raws(SAMPLES / "failed_calls.parquet")
    assert len([*(tmp_path / "south").rglob("*.parquet")]) > 1
    assert "north: Recording to" in words
    assert "south: The recording that was replayed there is over." in words


def test_a_server_that_is_killed_does_not_stop_the_others(tmp_path: Path) -> None:
    """The killed one is tried again and has a gap; the other is whole, and sealed before the process ends; code 3."""
    with (
        replay("transfers", "--speed", "20") as (north, killed),
        replay("ivr_dtmf", "--speed", "20", "--at-end", "exit") as (south, _),
    ):
        config = settings(
            tmp_path,
            north=f'url = "{north}"\noutput = "OUT/north.parquet"',
            south=f'url = "{south}"\noutput = "OUT/south.parquet"',
        )
        process = captures(config)
        wait_for(lambda: journal_size(tmp_path / "north.parquet") > 0)
        killed.kill()
        words = read_until(process, lambda said: "north: connection refused" in said and "south.parquet: 230" in said)

        assert raws(tmp_path / "south.parquet") == raws(SAMPLES / "ivr_dtmf.parquet")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        words += finish(process, code=3)

    kept = raws(tmp_path / "north.parquet")
    assert kept == raws(SAMPLES / "transfers.parquet")[: len(kept)]
    assert open_session(tmp_path / "north.parquet").header.gap_count == 1
    assert open_session(tmp_path / "south.parquet").header.gap_count == 0
    assert "north: Gaps in the recording: 1" in words
    assert "south: Gaps" not in words


def test_a_server_that_comes_late_is_recorded(tmp_path: Path) -> None:
    """Nothing listens there at first; the capture goes on trying, also before its first connection."""
    port = free_port()
    config = settings(
        tmp_path,
        late=f'url = "http://127.0.0.1:{port}/ari"\noutput = "OUT/late.parquet"',
        never=f'url = "http://127.0.0.1:{free_port()}/ari"\noutput = "OUT/never.parquet"',
    )
    process = captures(config)
    read_until(process, lambda said: said.count("connection refused") == 2)
    with replay("ivr_dtmf", "--speed", "max", "--at-end", "exit", port=port):
        words = read_until(process, lambda said: "late.parquet: 230 events" in said)
    process.send_signal(signal.SIGTERM)
    words += finish(process, code=3)

    assert raws(tmp_path / "late.parquet") == raws(SAMPLES / "ivr_dtmf.parquet")
    assert not (tmp_path / "never.parquet").exists()
    assert "never: Nothing was recorded: there was no connection." in words


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('output = "OUT/there.parquet"', "there.parquet exists; choose another output"),
        ('output = "OUT/left.parquet"', "left.parquet.journal"),
        ('output = "OUT/locked/"', "another recording is being written"),
        ('output = "OUT/x.parquet"\nurl = "gopher://x"', "is not an address of an ARI"),
        ('output = "OUT/x.parquet"\nurl = "http://127.0.0.1:1/ari"\nreconnect = false', "connection refused"),
        ('output = "OUT/x.parquet"\nlisten = "127.0.0.1:TAKEN"', "can't listen"),
    ],
    ids=["exists", "journal", "locked", "address", "refused", "port"],
)
def test_one_that_cannot_begin_does_not_stop_the_others(tmp_path: Path, table: str, why: str) -> None:
    (tmp_path / "there.parquet").touch()
    (tmp_path / "left.parquet.journal").touch()
    (tmp_path / "locked").mkdir()
    with (
        replay("ivr_dtmf", "--speed", "max", "--at-end", "exit") as (south, _),
        socket.create_server(("127.0.0.1", 0)) as taken,
        subprocess.Popen(["flock", str(tmp_path / "locked"), "cat"], stdin=subprocess.PIPE) as locker,
        replay("ivr_dtmf", "--speed", "1") as (busy, _),
    ):
        url = "" if "url" in table else f'url = "{busy}"\n'
        wait_for(lambda: subprocess.run(["flock", "-n", str(tmp_path / "locked"), "true"], check=False).returncode == 1)
        config = settings(
            tmp_path,
            north=url + table.replace("TAKEN", str(taken.getsockname()[1])),
            south=f'url = "{south}"\noutput = "OUT/south.parquet"',
        )
        words = finish(captures(config, "--health", "50ms"), code=3)
        assert locker.stdin is not None
        locker.stdin.close()

    assert raws(tmp_path / "south.parquet") == raws(SAMPLES / "ivr_dtmf.parquet")
    assert [line for line in words.splitlines() if "north: FAILED" in line and why in line], words
    assert "Nothing was recorded" in words


def test_all_that_cannot_begin_are_an_error(tmp_path: Path) -> None:
    refused = 'url = "http://127.0.0.1:1/ari"\nreconnect = false\noutput = "OUT/'
    config = settings(tmp_path, north=f'{refused}north.parquet"', south=f'{refused}south.parquet"')

    words = finish(captures(config), code=1)

    assert "north: FAILED" in words
    assert "south: FAILED" in words


def test_signals_reach_all(tmp_path: Path) -> None:
    """SIGHUP begins a new part of each folder; `mark` reaches each; Ctrl-C seals all; each has its line of health."""
    with replay("ivr_dtmf", "--speed", "20") as (north, _), replay("ivr_dtmf", "--speed", "20") as (south, _):
        config = settings(
            tmp_path, north=f'url = "{north}"\noutput = "OUT/north/"', south=f'url = "{south}"\noutput = "OUT/south/"'
        )
        process = captures(config, "--health", "100ms")
        said = read_until(process, lambda said: all(f"{each}: 230 events" in said for each in ("north", "south")))
        process.send_signal(signal.SIGHUP)
        said += read_until(
            process, lambda said: all(f"{each}: 230 events" in said and "part 2" in said for each in ("north", "south"))
        )
        for name in ("north", "south"):
            assert ask_recording(tmp_path / name, {"do": "mark", "text": f"note in {name}"})["ok"]
        process.send_signal(signal.SIGINT)
        finish(process)

    for name in ("north", "south"):
        assert raws(tmp_path / name) == raws(SAMPLES / "ivr_dtmf.parquet")
        marks = [frame.raw for frame in open_session(tmp_path / name).frames(kinds=["mark"])]
        assert [f"note in {name}" in text for text in marks] == [True]
        assert len([*(tmp_path / name).rglob("*.parquet")]) == 2
        assert not [*(tmp_path / name).rglob("*.journal")]
        assert f"{name}: 230 events" in said


def test_a_kill_leaves_a_journal_of_each(tmp_path: Path) -> None:
    with replay("ivr_dtmf", "--speed", "max") as (north, _), replay("failed_calls", "--speed", "max") as (south, _):
        config = settings(
            tmp_path,
            north=f'url = "{north}"\noutput = "OUT/north.parquet"',
            south=f'url = "{south}"\noutput = "OUT/south.parquet"',
        )
        process = captures(config, "--health", "50ms")
        read_until(process, lambda said: "north: 230 events" in said and "south: 771 events" in said)
        process.kill()
        process.communicate(timeout=HANG_S)

    for name, sample in (("north", "ivr_dtmf"), ("south", "failed_calls")):
        recover(tmp_path / f"{name}.parquet.journal")
        assert raws(tmp_path / f"{name}.parquet") == raws(SAMPLES / f"{sample}.parquet")


def test_each_server_has_its_password(tmp_path: Path) -> None:
    """`ARIRECORD_PASSWORD_NAME` precedes `ARIRECORD_PASSWORD`; neither is in a session."""
    with (
        replay("ivr_dtmf", "--speed", "max", "--at-end", "exit", "--user", "ari:one") as (north, _),
        replay("ivr_dtmf", "--speed", "max", "--at-end", "exit", "--user", "ari:two") as (south, _),
    ):
        config = settings(
            tmp_path,
            **{"pbx-1.example": f'url = "{north}"\nuser = "ari"\noutput = "OUT/north.parquet"'},
            south=f'url = "{south}"\nuser = "ari"\noutput = "OUT/south.parquet"',
        )
        finish(captures(config, ARIRECORD_PASSWORD_PBX_1_EXAMPLE="one", ARIRECORD_PASSWORD="two"))

    assert raws(tmp_path / "north.parquet") == raws(tmp_path / "south.parquet")


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, args)
    return done.exit_code, done.stderr


ONE = '[[capture]]\nname = "a"\noutput = "a.parquet"\nurl = "http://127.0.0.1:1/ari"\nreconnect = false\n'
TWO = ONE.replace('"a"', '"b"').replace("a.parquet", "b.parquet")


@pytest.mark.parametrize(
    ("text", "args", "code", "message"),
    [
        (ONE + ONE, [], 1, "two [[capture]] tables are named 'a'. Give each a name"),
        (ONE + ONE.replace('"a"', '"b"'), [], 2, "a and b record to a.parquet: each needs its own"),
        (ONE + "speed = 1\n", [], 1, "capture has no option --speed"),
        (ONE + "rotate = 'often'\n", [], 2, "a: "),
        (ONE + "name_ = 1\n", [], 1, "capture has no option --name-"),
        (ONE.replace('"a"', "1", 1), [], 1, "the name of a [[capture]] table must be a text, not 1"),
        (ONE, ["--only", "b"], 2, "No [[capture]] table is named 'b'. They are named a."),
        ("", ["--only", "b"], 2, "No [[capture]] table is named 'b'. The settings have none."),
        (ONE + TWO, ["--url", "http://x/ari"], 2, "--url is of one recording"),
        ("[[replay]]\nspeed = 1\n", [], 1, "[[replay]] cannot be repeated. Only [[capture]] can"),
        (ONE + "user = 'ari'\n", [], 2, "No password for ari: set ARIRECORD_PASSWORD_A or ARIRECORD_PASSWORD"),
    ],
)
def test_wrong_settings_begin_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, args: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "servers.toml"
    config.write_text(text)

    done, said = run("--config", str(config), "capture", *args)

    assert (done, message in said) == (code, True), said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["servers.toml"]


def test_a_file_found_in_a_folder_has_no_such_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be from another person. The user's own file is trusted, and then the folder's settings do not count."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    folder = tmp_path / "handed-over"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "arirecord.toml").write_text(ONE)

    code, said = run("capture")
    assert (code, "which a settings file found in a folder may not have" in said) == (1, True)
    assert run("calls", str(SAMPLES / "ivr_dtmf.parquet"))[0] == 0

    own = tmp_path / "xdg" / "arirecord" / "arirecord.toml"
    own.parent.mkdir(parents=True)
    own.write_text(ONE + TWO)
    (folder / "arirecord.toml").write_text("[capture]\nurl = 'http://evil.example/ari'\nuser = 'ari'\n")
    code, said = run("capture", "--only", "a")
    assert code == 1
    assert "a: FAILED" in said
    assert "127.0.0.1:1" in said
    assert "evil" not in said
