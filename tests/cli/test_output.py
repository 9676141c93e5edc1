"""Where results go: whole or not at all, and not further than somebody reads."""

import resource
import subprocess
from pathlib import Path

import pytest

from tests.waiting import HANG_S

from .conftest import COMMAND, SAMPLES, Run

pytestmark = pytest.mark.slow

BUSY = SAMPLES / "peak_load.parquet"


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        (["hangups", BUSY], "out.csv"),
        (["hangups", BUSY], "out.jsonl"),
        (["explain", BUSY, "--all"], "out.txt"),
        (["report", BUSY], "out.html"),
        (["export", BUSY], "out.csv"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, list) else value,
)
def test_no_half_files(run: Run, tmp_path: Path, verb: list[object], name: str) -> None:
    """Where there is no room for it all, what was there before stays."""
    output = tmp_path / name
    output.write_text("precious")
    run(*verb, "-o", name, "--force", code=1, preexec_fn=_little_room)

    assert output.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_a_reader_that_has_had_enough(form: str) -> None:
    """`| head` ends it without a word."""
    command = [*COMMAND, "variables", str(BUSY), "--format", form]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    process.stdout.close()
    _, errors = process.communicate(timeout=HANG_S)

    assert (process.returncode, errors) == (0, b"")


def test_a_pipe_as_output() -> None:
    """Is written to, not replaced."""
    said = subprocess.run(
        [*COMMAND, "calls", str(BUSY), "--format", "csv", "-o", "/dev/stdout"],
        capture_output=True,
        check=True,
        timeout=HANG_S,
    ).stdout

    assert said.startswith(b"call_id,")


def test_a_link_and_permissions_stay(run: Run, tmp_path: Path) -> None:
    """What a link leads to is written anew; who could not read it before can't afterwards."""
    output, link = tmp_path / "private.csv", tmp_path / "link.csv"
    output.write_text("old")
    output.chmod(0o600)
    link.symlink_to(output)
    run("calls", BUSY, "--force", "-o", link)

    assert link.is_symlink()
    assert output.read_bytes().startswith(b"call_id,")
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_folder_is_no_output(run: Run, tmp_path: Path) -> None:
    """Which is said as it was typed."""
    (tmp_path / "days").mkdir()

    assert b"days is a folder: name a file" in run("calls", BUSY, "-o", "days", code=1).stderr
