"""A session whose pages can't be read, though its index can: every verb says which file it is, and what to do."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from .conftest import SAMPLES, Run

pytestmark = pytest.mark.slow

_ZSTD = b"\x28\xb5\x2f\xfd"


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A session in which no page of these columns can be decompressed."""
    source, target = SAMPLES / "ivr_dtmf.parquet", tmp_path / "damaged.parquet"
    data = bytearray(source.read_bytes())
    group = pq.read_metadata(source).row_group(0)
    for index in range(group.num_columns):
        column = group.column(index)
        if column.path_in_schema in ("raw", "timestamp"):
            begin = column.dictionary_page_offset or column.data_page_offset
            end = begin + column.total_compressed_size
            data[begin:end] = data[begin:end].replace(_ZSTD, b"none")
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    "verb",
    [
        "calls SESSION",
        "cat SESSION",
        "compact SESSION -o out.parquet",
        "diff SESSION SESSION",
        "explain SESSION --all",
        "export SESSION --format jsonl -o out.jsonl",
        "filter SESSION --type Dial -o out.parquet",
        "merge SESSION SESSION -o out.parquet",
        "query SESSION FROM-calls",
        "replay SESSION --speed max --port 0",
        "report SESSION -o out.html",
    ],
)
def test_said_in_one_sentence(run: Run, damaged: Path, verb: str) -> None:
    """With exit code 1, and nothing is written."""
    args = [arg.replace("SESSION", damaged.name).replace("FROM-", "FROM ") for arg in verb.split()]
    said = run(*args, code=1).stderr.decode()

    assert "damaged.parquet is damaged: " in said
    assert "Run `arirecord doctor damaged.parquet`" in said
    assert [path.name for path in damaged.parent.iterdir()] == [damaged.name]


def test_the_doctor_says_where(run: Run, damaged: Path) -> None:
    """As it was promised."""
    assert b"damaged.parquet" in run("doctor", damaged, code=1).stdout
