"""A process that seals may be killed at any moment, and others may seal the same journal."""

import fcntl
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from arirecord.cli import cli
from arirecord.errors import JournalError, TargetExists
from arirecord.session import seal
from arirecord.session.header import Header
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import recover


def journal(target: Path, *raws: str) -> Path:
    """A closed journal of these frames."""
    writer = JournalWriter(journal_path(target), 10**18, {"verb": "test"})
    writer.write((10**18 + n, n, "event", raw) for n, raw in enumerate(raws))
    writer.close()
    return writer.path


def test_a_session_whose_journal_was_not_removed(tmp_path: Path) -> None:
    """Killed between the last two steps: the journal is compared with the session and removed."""
    target = tmp_path / "s.parquet"
    left = journal(target, '{"n":1}', '{"n":2}')
    shutil.copy(left, tmp_path / "copy")
    recover(left)
    shutil.move(tmp_path / "copy", left)

    assert recover(left).events == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]


def test_a_session_of_other_rows_is_not_touched(tmp_path: Path) -> None:
    """Neither is the journal."""
    target = tmp_path / "s.parquet"
    recover(journal(target, '{"n":1}'))
    left = journal(target, '{"n":2}')
    with pytest.raises(TargetExists, match="safe in"):
        recover(left)

    assert [frame.raw for frame in open_session(target).frames()] == ['{"n":1}']
    assert left.exists()


def test_unfinished_files_are_removed(tmp_path: Path) -> None:
    """What a killed process had written of this session; what belongs to others stays."""
    target = tmp_path / "s[1].parquet"
    left = journal(target, '{"n":1}')
    (tmp_path / ".s[1].parquet.sealing-abc").write_text("unfinished")
    (tmp_path / ".s1.parquet.sealing-abc").write_text("of another session")
    recover(left)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".s1.parquet.sealing-abc", "s[1].parquet"]


def test_a_recorder_that_seals_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal in a folder that is gone when its turn comes was sealed: no fault."""
    first, second = (journal(tmp_path / name, '{"n":1}') for name in ("a.parquet", "b.parquet"))
    recover_one = seal.recover

    def recover_both(path: Path, *args: object, **options: object) -> Header:
        recover_one(second)
        monkeypatch.setattr(seal, "recover", recover_one)
        return recover_one(path)

    monkeypatch.setattr(seal, "recover", recover_both)
    done = CliRunner().invoke(cli, ["recover", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert not first.exists()
    assert "safe in" not in done.output


def test_a_journal_that_another_process_seals(tmp_path: Path) -> None:
    """Is refused, and not touched."""
    left = journal(tmp_path / "s.parquet", '{"n":1}')
    with left.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(JournalError, match="written or sealed by another process"):
            recover(left)
    assert [path.name for path in tmp_path.iterdir()] == [left.name]
