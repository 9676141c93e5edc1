"""Memory is bounded, whatever a file claims: small files that inflate without end are refused in a sentence."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable
from itertools import chain, repeat
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from arirecord.session.journal import JournalWriter
from arirecord.session.journal_blocks import checksum_line, head_line

from .conftest import COMMAND, SAMPLES

pytestmark = pytest.mark.slow
MIB = 1 << 20
LIMIT_MIB = 600
"""A usual command takes 100 to 250 MiB."""
HEADS = {
    1: head_line({"format": 1, "started_ns": 1, "source": {}}),
    2: head_line({"format": 2, "started_ns": 1, "source": {}, "first_seq": 0, "seq": 0}),
}


def peak(folder: Path, *args: object, address_space: int = 0) -> tuple[int, str, int]:
    """Run the command; return its exit code, what it printed, and its greatest memory in MiB.

    address_space: limit of its addresses (`ulimit -v`) in bytes; 0: none.
    """
    # A process begins with the memory of the one that starts it: a small one starts the command.
    launch = (
        "import resource, subprocess, sys; "
        f"{address_space} and resource.setrlimit(resource.RLIMIT_AS, ({address_space},) * 2); "
        "code = subprocess.call(sys.argv[2:]); "
        "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)"
    )
    with (folder / "printed").open("wb") as printed:
        command = [sys.executable, "-c", launch, str(folder / "peak"), *COMMAND, *map(str, args)]
        code = subprocess.call(command, cwd=folder, stdout=printed, stderr=printed)
    text = (folder / "printed").read_bytes()[:100_000].decode()

    assert "Traceback" not in text
    return code, text, int((folder / "peak").read_text()) >> 10


def zstd(path: Path, pieces: Iterable[bytes]) -> None:
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    with path.open("wb") as file:
        for piece in pieces:
            file.write(compressor.compress(piece))
        file.write(compressor.flush())


@pytest.mark.parametrize("version", HEADS)
@pytest.mark.parametrize("verb", ["doctor", "recover"])
def test_a_line_without_end_in_a_journal(tmp_path: Path, verb: str, version: int) -> None:
    """A hundred kilobytes that inflate to gigabytes."""
    path = tmp_path / "x.parquet.journal"
    zstd(path, chain([HEADS[version], b'{"t":1,"elapsed_ns":1,"event":{"a":"'], repeat(b"x" * MIB, 3000)))

    assert path.stat().st_size < 200_000
    code, text, mib = peak(tmp_path, verb, path.name)
    assert code in (1, 3)
    assert "damaged" in text
    assert mib < LIMIT_MIB


def test_blocks_without_end_in_a_journal(tmp_path: Path) -> None:
    """The first batch is right; what follows it has no checksum."""
    path = tmp_path / "x.parquet.journal"
    row = b'{"t":1,"elapsed_ns":1,"event":{"type":"Dial"}}\n'
    zstd(path, chain([HEADS[2], checksum_line(zlib.crc32(HEADS[2]))], repeat(row * 20_000, 2000)))
    code, text, mib = peak(tmp_path, "recover", path.name)

    assert code == 3
    assert "rows from 0 on are lost" in text
    assert mib < LIMIT_MIB


@pytest.mark.parametrize("limit", [1200 * MIB, 500 * MIB])
def test_large_frames_that_arirecord_wrote(tmp_path: Path, limit: int) -> None:
    """Twenty frames of 12 MB are recovered within 1.2 GB of addresses. With too few, the journal stays as it is."""
    path = tmp_path / "x.parquet.journal"
    writer = JournalWriter(path, 1, {"verb": "capture"})
    value = os.urandom(50_000).hex() * 120
    frame = orjson.dumps({"type": "ChannelVarset", "variable": "x", "value": value, "application": "a"})
    for number in range(20):
        writer.write([(number, number, "event", frame)])
    writer.close()
    journal = path.read_bytes()
    code, text, mib = peak(tmp_path, "recover", path.name, address_space=limit)

    assert mib < 1000
    if limit > 1000 * MIB:
        assert code == 0, text
        return
    assert code == 1
    assert "Memory is short" in text
    assert path.read_bytes() == journal
    assert [found.name for found in tmp_path.glob("*x.parquet*")] == [path.name]


@pytest.mark.parametrize(("step", "said"), [(1, "30 events"), (7, "put in order of time")])
def test_large_lines_are_imported(tmp_path: Path, step: int, said: str) -> None:
    """Thirty lines of 12 MB, in order and not."""
    value = os.urandom(50_000).hex() * 120
    with (tmp_path / "x.jsonl").open("w") as file:
        for number in range(30):
            at = f"2026-01-01T00:00:{number * step % 30:02}.000+0000"
            file.write(f'{{"type":"ChannelVarset","timestamp":"{at}","variable":"x","value":"{value}"}}\n')
    code, text, mib = peak(tmp_path, "import", "x.jsonl", "-o", "out.parquet")

    assert code == 0, text
    assert said in text
    assert mib < 1200


@pytest.mark.parametrize(("ending", "opened"), [("zst", None), ("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open)])
@pytest.mark.parametrize("begin", [b'{"type":"Dial","a":"', b"{"])
def test_a_line_without_end_in_compressed_data(
    tmp_path: Path, ending: str, opened: Callable[..., object] | None, begin: bytes
) -> None:
    """The message has the limit."""
    path = tmp_path / f"x.jsonl.{ending}"
    pieces = chain([begin], repeat(begin[:1] * MIB if len(begin) == 1 else b"x" * MIB, 100))
    if opened is None:
        zstd(path, pieces)
    else:
        with opened(path, "wb") as file:  # type: ignore[attr-defined]  # a binary file
            file.writelines(pieces)
    code, text, mib = peak(tmp_path, "import", path.name, "-o", "out.parquet")

    assert code in (1, 3)
    assert "32 MiB" in text
    assert mib < LIMIT_MIB


def test_a_device_without_end(tmp_path: Path) -> None:
    """It is refused after 32 MiB."""
    code, text, mib = peak(tmp_path, "import", "/dev/zero", "-o", "out.parquet")

    assert code in (1, 3)
    assert "32 MiB" in text
    assert mib < LIMIT_MIB


def test_events_before_a_line_without_end_are_kept(tmp_path: Path) -> None:
    """As with compressed data that breaks off: a problem is reported, the exit code is 3."""
    event = b'{"type":"Dial","timestamp":"2026-11-23T22:58:46.368+0000","application":"a","asterisk_id":"b"}\n'
    (tmp_path / "x.jsonl").write_bytes(event * 3 + b"x" * (40 * MIB))
    code, text, _ = peak(tmp_path, "import", "x.jsonl", "-o", "out.parquet")

    assert code == 3
    assert "3 events" in text
    assert "32 MiB" in text


@pytest.mark.parametrize("template", ['{"type":<type>,' + "x" * 300_000 + "}", "{" + "<type>" * 100_000 + "}"])
def test_a_hostile_template(tmp_path: Path, template: str) -> None:
    """Half a megabyte that would become gigabytes of text."""
    source = SAMPLES / "office_hour.parquet"
    table = pq.read_table(source)
    for name, values in (
        ("raw_template", pa.DictionaryArray.from_arrays(pa.array([0] * len(table)), [template])),
        ("raw", pa.nulls(len(table), pa.string())),
    ):
        table = table.set_column(table.schema.get_field_index(name), name, values)
    header = pq.read_metadata(source).metadata[b"arirecord"]
    path = tmp_path / "x.parquet"
    with pq.ParquetWriter(path, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({b"arirecord": header})
    code, text, mib = peak(tmp_path, "cat", path.name)

    assert code == 1
    assert "a template is longer than any of a frame, or has a column twice" in text
    assert mib < LIMIT_MIB
