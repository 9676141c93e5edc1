"""A journal cut anywhere gives back what came before the cut; what is damaged is said."""

import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from arirecord.errors import JournalError, TargetExists
from arirecord.session.journal import JournalReader, JournalWriter, is_locked
from tests.examples import examples

Batches = list[list[tuple[int, int, str, str]]]


def write(path: Path, batches: Batches) -> None:
    writer = JournalWriter(path, 5, {"verb": "test"})
    for batch in batches:
        writer.write(batch)
    writer.close()


def read(path: Path) -> tuple[list[tuple[int, int, str, str]], JournalReader]:
    reader = JournalReader(path)
    return [tuple(row[1:]) for batch in reader.batches(7) for row in batch], reader  # type: ignore[misc]


rows = st.tuples(
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.sampled_from(["event", "binary", "connection", "later kind"]),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@examples(50)
@given(st.lists(st.lists(rows, max_size=5), max_size=6))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, batches: Batches) -> None:
    """Every row, in order, whatever the text."""
    path = tmp_path_factory.mktemp("journal") / "j"
    write(path, batches)
    found, reader = read(path)

    assert found == [row for batch in batches for row in batch]
    assert reader.ended == "complete"
    assert reader.unused_bytes == 0


pieces = st.sampled_from(
    ["{", "}", "\n", "", " ", "{}", "ü", '"a"', '{"a":1}', '}}\n{"t":7,"elapsed_ns":9,"event":{', '{"frame":"x"}', "\r"]
)
texts = st.lists(pieces, max_size=4).map("".join)


@pytest.mark.slow
@examples(500)
@given(
    st.lists(
        st.tuples(st.just(7), st.just(9), st.sampled_from(["event", "rest"]), st.lists(texts, max_size=6)), max_size=3
    )
)
def test_what_is_written_together_is_as_if_alone(
    tmp_path_factory: pytest.TempPathFactory, groups: list[tuple[int, int, str, list[str]]]
) -> None:
    """Rows of one moment, also where a text looks like what stands between two rows."""
    folder = tmp_path_factory.mktemp("journal")
    rows = [(t, elapsed, kind, text) for t, elapsed, kind, texts in groups for text in texts]
    write(folder / "alone", [rows])
    writer = JournalWriter(folder / "together", 5, {"verb": "test"})
    writer.write_together((t, elapsed, kind, [text.encode() for text in texts]) for t, elapsed, kind, texts in groups)
    writer.close()
    found, reader = read(folder / "together")

    assert found == rows
    assert reader.ended == "complete"
    assert lines(folder / "together") == lines(folder / "alone")


def lines(path: Path) -> bytes:
    with zstandard.open(path) as file:
        text: bytes = file.read()
        return text


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """A prefix of the rows, never fewer than the batches that were whole, and never a changed one."""
    batches: Batches = [
        [(i, i, "event", f'{{"n":{i * 10 + k}, "ü":"{random.Random(i).random()}"}}') for k in range(3)]
        for i in range(8)
    ]
    whole = tmp_path / "whole"
    writer = JournalWriter(whole, 5, {"verb": "test"})
    sizes = [whole.stat().st_size]
    for batch in batches:
        writer.write(batch)
        sizes.append(whole.stat().st_size)
    writer.close()
    everything = [row for batch in batches for row in batch]
    data = whole.read_bytes()
    for cut in range(len(data)):
        path = tmp_path / "cut"
        path.write_bytes(data[:cut])
        if cut < sizes[0]:
            with pytest.raises(JournalError, match=r"not a journal of arirecord, or nothing had been written"):
                read(path)
            continue
        found, reader = read(path)
        written = sum(size <= cut for size in sizes) - 1

        assert found == everything[: len(found)]
        assert len(found) >= written * 3
        assert reader.ended == "torn"


@pytest.mark.slow
def test_every_byte_damaged(tmp_path: Path) -> None:
    """One flipped byte is found out: either it changes nothing, or the end says that the journal is damaged or torn."""
    path = tmp_path / "j"
    write(path, [[(i, i, "event", f"frame {i} " * 3)] for i in range(30)])
    data = path.read_bytes()
    everything, _ = read(path)
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            found, reader = read(path)
        except JournalError:
            continue

        assert found == everything or reader.ended.startswith("damaged") or found == everything[: len(found)]
        assert found == everything or reader.ended != "complete"


def test_plain_tools_read_it(tmp_path: Path) -> None:
    """It is a zstd stream of lines of JSON: a frame stands there as it came, anything odd as text."""
    path = tmp_path / "j"
    write(path, [[(1, 2, "event", '{"a":"ü"}'), (3, 4, "event", "{\n}"), (5, 6, "mark", "{}"), (7, 8, "event", "{")]])
    text = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())

    assert text.decode().splitlines()[1:] == [
        '{"t":1,"elapsed_ns":2,"event":{"a":"ü"}}',
        '{"t":3,"elapsed_ns":4,"frame":"{\\n}"}',
        '{"t":5,"elapsed_ns":6,"frame":"{}","kind":"mark"}',
        '{"t":7,"elapsed_ns":8,"frame":"{"}',
    ]


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """Text, a zstd stream of something else, an empty file."""
    path = tmp_path / "j"
    for data in (b"", b"hello", zstandard.compress(b'{"a":1}\n'), zstandard.compress(b"[1]\n")):
        path.write_bytes(data)
        with pytest.raises(JournalError, match="is not a journal"):
            JournalReader(path)
    path.write_bytes(zstandard.compress(b'{"arirecord":{"format":99,"started_ns":1}}\n'))
    with pytest.raises(JournalError, match="please update"):
        JournalReader(path)


@pytest.mark.parametrize(
    "line",
    [
        b'{"t":"x","elapsed_ns":0,"frame":"{}"}',
        b'{"t":1,"elapsed_ns":0,"frame":5}',
        b'{"t":1,"elapsed_ns":0,"kind":5,"frame":""}',
        b'{"t":-1,"elapsed_ns":0,"frame":"{}"}',
        b'{"t":1,"elapsed_ns":-1,"frame":"{}"}',
        b'{"t":-1,"elapsed_ns":1,"event":{}}',
        b'{"t":1,"elapsed_ns":9223372036854775808,"event":{}}',
        b'{"t":1,"elapsed_ns":1,"event":{}',
        b'{"t":1,"elapsed_ns":1,"event":{"a":"\xff"}}',
        *(b"[]", b"5", b"null", b"{}", b""),
    ],
)
def test_a_row_of_the_wrong_form_is_damage(tmp_path: Path, line: bytes) -> None:
    """The rows before it are read; nothing raises."""
    path = tmp_path / "j"
    head = b'{"arirecord":{"format":1,"started_ns":1,"source":{}}}\n'
    path.write_bytes(zstandard.compress(head + b'{"t":1,"elapsed_ns":0,"frame":"good"}\n' + line + b"\n"))
    found, reader = read(path)

    assert found == [(1, 0, "event", "good")]
    assert reader.ended == "damaged: row 1 can't be read"


@pytest.mark.parametrize(
    "head",
    [
        '{"format":"x","started_ns":1,"source":{}}',
        '{"format":1,"started_ns":1}',
        '{"format":-3,"started_ns":1,"source":{}}',
        "[]",
    ],
)
def test_a_head_of_the_wrong_form_is_no_journal(tmp_path: Path, head: str) -> None:
    """Nothing raises but the one error."""
    path = tmp_path / "j"
    path.write_bytes(zstandard.compress(f'{{"arirecord":{head}}}\n'.encode()))
    with pytest.raises(JournalError, match="has a damaged head"):
        JournalReader(path)


def test_two_writers_are_refused(tmp_path: Path) -> None:
    """A second recording to the same journal fails, and says whether the first one lives."""
    path = tmp_path / "j"
    first = JournalWriter(path, 5, {})

    assert is_locked(path)
    with pytest.raises(TargetExists, match="a recording to it is still running"):
        JournalWriter(path, 5, {})
    first.close()
    assert not is_locked(path)
    with pytest.raises(TargetExists, match="arirecord recover"):
        JournalWriter(path, 5, {})


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    """A journal holds calls: mode 0600."""
    path = tmp_path / "j"
    write(path, [])

    assert path.stat().st_mode & 0o777 == 0o600
