"""What `open_session` says of a path that is not a session: what it is, and which command to run."""

import gzip
from pathlib import Path

import pytest
import zstandard

import arirecord
from arirecord.session.journal import JournalWriter, journal_path

SAMPLE = Path(__file__).parents[2] / "sample_data" / "ivr_dtmf.parquet"
LINES = b'{"type":"Dial"}\n'


def error_of(path: Path) -> str:
    """The sentence, without the folder."""
    with pytest.raises((arirecord.ArirecordError, FileNotFoundError)) as raised:
        arirecord.open_session(path)
    assert str(path.parent) in str(raised.value)
    return str(raised.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("ev.jsonl", LINES, "For JSON lines, run `arirecord import ev.jsonl -o ev.parquet`"),
        ("ev.jsonl.gz", gzip.compress(LINES * 900), "run `arirecord import ev.jsonl.gz -o ev.parquet`"),
        ("ev.zst", zstandard.compress(LINES * 900), "run `arirecord import ev.zst -o ev.parquet`"),
        ("ev.parquet", LINES, "run `arirecord import ev.parquet -o ev-imported.parquet`"),
        ("array", b'[{"type":"Dial"}]', "run `arirecord import array -o array.parquet`"),
        ("calls.csv", b"call_id,talk_s\n", "it is neither Parquet nor JSON lines"),
        ("app.log.gz", gzip.compress(b"started\n"), "it is neither Parquet nor JSON lines"),
        ("broken.gz", b"\x1f\x8b" + b"\xff" * 50, "it is neither Parquet nor JSON lines"),
        ("empty.parquet", b"", "it is empty"),
        ("cut.parquet", SAMPLE.read_bytes()[:-9], "is a damaged Parquet file: "),
    ],
)
def test_files_are_recognised_by_their_content(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    error = error_of(tmp_path / name)

    assert expected in error
    assert "magic bytes" not in error or "damaged" in error


def test_a_recording_that_runs_or_was_cut_off(tmp_path: Path) -> None:
    """While its journal is locked it is read up to now; afterwards everybody is told to recover it."""
    target = tmp_path / "today.parquet"
    writer = JournalWriter(journal_path(target), 1, {"verb": "capture"})
    for path in (target, tmp_path):
        assert arirecord.open_session(path).is_running
    error = error_of(journal_path(target))
    assert "is still running. Read today.parquet, up to now" in error
    writer.close()

    for path in (target, journal_path(target)):
        assert "was cut off. Run `arirecord recover today.parquet.journal`" in error_of(path)
    assert "Run `arirecord recover" in error_of(tmp_path)


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")

    assert "is a folder without any .parquet file" in error_of(tmp_path)
