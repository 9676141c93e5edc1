"""Rows are imported in order of time, however the files are given."""

import json
import os
import threading
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.capture import import_order
from arirecord.capture.importer import import_streams
from arirecord.session.header import Header
from arirecord.session.reader import open_session
from tests.examples import examples

LINES = (Path(__file__).parent / "one_call.jsonl").read_text("utf-8").splitlines()
SECOND = 10**9
T0 = 1_700_000_000 * SECOND


def imported(folder: Path, *contents: list[str]) -> tuple[list[str], Header]:
    files = []
    for number, content in enumerate(contents):
        files.append(folder / f"app.log.{number}")
        files[-1].write_text("".join(line + "\n" for line in content), "utf-8")
    header = import_streams(files, folder / "s.parquet", force=True)
    frames = list(open_session(folder / "s.parquet").frames())
    assert [frame.elapsed_ns for frame in frames] == sorted(frame.elapsed_ns for frame in frames)
    assert {path.name for path in folder.iterdir()} == {"s.parquet", *(file.name for file in files)}
    return [frame.raw for frame in frames], header


def records(*seconds: float) -> list[str]:
    """Lines with these times of receipt; the frame is the time."""
    return [json.dumps({"t": T0 + int(at * SECOND), "frame": str(at)}) for at in seconds]


def test_newest_first(tmp_path: Path) -> None:
    """Also events of the same millisecond change places."""
    rows, header = imported(tmp_path, LINES[::-1])

    assert rows == LINES
    assert header.source["notes"] == ["The rows were put in order of time: the times in app.log.0 fall."]


@pytest.mark.parametrize("cut", range(1, len(LINES)))
def test_rotated_logs_as_the_shell_lists_them(cut: int, tmp_path: Path) -> None:
    """`app.log app.log.1`: the newer file first; also if both begin and end in one millisecond."""
    rows, _ = imported(tmp_path, LINES[cut:], LINES[:cut])
    times = [json.loads(row)["timestamp"] for row in rows]

    assert times == sorted(times)
    if json.loads(LINES[cut])["timestamp"] != json.loads(LINES[0])["timestamp"]:
        assert rows == LINES


@pytest.mark.parametrize("given", [LINES[::-1], [*LINES[9:], *LINES[:9]]], ids=["newest first", "rotated"])
def test_a_pipe(given: list[str], tmp_path: Path) -> None:
    """It is stored in a journal first, and then sorted like a file."""
    os.mkfifo(tmp_path / "pipe")
    text = "".join(line + "\n" for line in given)
    writing = threading.Thread(target=(tmp_path / "pipe").write_text, args=[text, "utf-8"])
    writing.start()
    header = import_streams([tmp_path / "pipe"], tmp_path / "s.parquet")
    writing.join()

    assert [frame.raw for frame in open_session(tmp_path / "s.parquet").frames()] == LINES
    assert header.source["notes"][0].startswith("The rows were put in order of time: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "s.parquet"]


def test_rotated_logs_with_the_newest_first(tmp_path: Path) -> None:
    assert imported(tmp_path, LINES[:7:-1], LINES[7::-1])[0] == LINES


def test_logs_one_after_the_other_in_one_file(tmp_path: Path) -> None:
    """As `cat app.log app.log.1 | arirecord import -` gives them."""
    rows, _ = imported(tmp_path, records(100, 101, 101.001, 100.999, 150, 0, 1, 1.2, 1.1, 2))

    assert rows == ["0", "1", "1.2", "1.1", "2", "100", "101", "101.001", "100.999", "150"]


def test_files_of_the_same_time(tmp_path: Path) -> None:
    """Two applications wrote a log each; the order within a file stays."""
    rows, _ = imported(tmp_path, records(0, 5, 4.999, 10), records(0, 5.5, 5.4, 9, 11))

    assert rows == ["0", "0", "5", "4.999", "5.5", "5.4", "9", "10", "11"]


def test_files_in_order(tmp_path: Path) -> None:
    """They stay as they are, without a remark; small steps back are usual."""
    given = records(0, 5, 4.999, 7, 6.9, 10)
    rows, header = imported(tmp_path, given[:3], given[3:])

    assert rows == ["0", "5", "4.999", "7", "6.9", "10"]
    assert "notes" not in header.source


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """A channel is older than its event: the clock was wrong, not the order."""
    before, after = LINES[:9], [line.replace('p":"2023-11-14T22:13', 'p":"2023-11-14T21:13') for line in LINES[9:]]
    rows, header = imported(tmp_path, before + after)

    assert rows == before + after
    assert "notes" not in header.source


def test_a_recorder_whose_clock_was_set_back(tmp_path: Path) -> None:
    """Only the times of receipt fall: the order of the lines is that of the events."""
    times = [T0 + n * SECOND for n in range(9)] + [T0 + (n - 3600) * SECOND for n in range(9, 18)]
    lines = [json.dumps({"t": t_ns, "frame": line}) for t_ns, line in zip(times, LINES, strict=True)]

    assert imported(tmp_path, lines)[0] == LINES


@examples(30)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.sampled_from([1, 50, 10**6]))
def test_any_order(tmp_path_factory: pytest.TempPathFactory, seconds: list[int], run_bytes: int) -> None:
    """Nothing is lost, nothing is early by more than the limit, and the size of the sorted runs does not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_order, "_RUN_BYTES", run_bytes)
        rows, _ = imported(tmp_path_factory.mktemp("order"), records(*seconds))
    peaks = accumulate(map(int, rows), max)

    assert sorted(map(int, rows)) == sorted(seconds)
    assert all(peak - int(row) <= 10 for peak, row in zip(peaks, rows, strict=True))


@pytest.mark.parametrize("run_bytes", [1, 3000, 10**6])
def test_any_size_of_runs(run_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_order, "_RUN_BYTES", run_bytes)
    lines = [line for line in LINES for _ in range(200)]

    assert imported(tmp_path, lines[::-1])[0] == lines
