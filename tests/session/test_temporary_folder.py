"""The private folder: for this user only, kept while its process runs, and removed after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKE = "from arirecord.session.temporary_folder import temporary_folder; print(temporary_folder(), flush=True); input()"


def process(temporary: Path) -> "tuple[subprocess.Popen[str], Path]":
    """Start a process that has made its folder, and wait for it to say where."""
    running = subprocess.Popen(
        [sys.executable, "-c", MAKE],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    return running, Path(running.stdout.readline().strip())


def test_only_a_folder_left_behind_is_removed(tmp_path: Path) -> None:
    """A process removes its folder; what a killed one left goes with the next, and that of a running one stays."""
    killed, left = process(tmp_path)
    (left / "spilled").write_text("a caller's number")
    running, used = process(tmp_path)
    killed.kill()
    killed.communicate()
    ended, own = process(tmp_path)

    assert not left.exists()
    assert used.is_dir()
    ended.communicate("")
    assert not own.exists()
    running.communicate("")
    assert [path.name for path in tmp_path.rglob("*")] == [used.parent.name]


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """Whatever lies at its name already: a folder for everybody, or a link."""
    running, folder = process(tmp_path)
    running.communicate("")
    assert folder.parent.stat().st_mode & 0o777 == 0o700

    folder.parent.chmod(0o755)
    running, other = process(tmp_path)
    running.communicate("")
    assert other.parent != folder.parent

    folder.parent.rmdir()
    folder.parent.symlink_to(tmp_path)
    running, other = process(tmp_path)
    running.communicate("")
    assert other.parent not in (folder.parent, tmp_path)


@pytest.mark.slow
def test_duckdb_spills_there(tmp_path: Path) -> None:
    """Not into a folder that others can read."""
    spill = (
        "import arirecord, duckdb; "
        "db = arirecord.connect('sample_data/ivr_dtmf.parquet', models=()); "
        "print(db.execute(\"SELECT current_setting('temp_directory')\").fetchone()[0])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", spill],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert Path(printed.strip()).parents[1] == tmp_path / f"arirecord-tables-{os.getuid()}"
