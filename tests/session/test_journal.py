"""A journal cut anywhere gives back what came before the cut; what is damaged is said."""

import json
import random
from contextlib import suppress
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


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[tuple[int, int, str, str]], list[int]]:
    """A journal of 60 batches in about ten blocks, its rows, and its size after each batch."""
    monkeypatch.setattr("arirecord.session.journal._BLOCK_BYTES", 1500)
    path = tmp_path / "blocks"
    chance = random.Random(7)
    batches: Batches = [
        [(i, i, "event", f'{{"n":{i},"x":"{chance.random()}"}}') for i in range(begin, begin + 5)]
        for begin in range(0, 300, 5)
    ]
    writer = JournalWriter(path, 5, {"verb": "test"})
    sizes = [writer.size]
    for batch in batches:
        writer.write(batch)
        sizes.append(writer.size)
    writer.close()
    return path, [row for batch in batches for row in batch], sizes


Blocks = tuple[Path, list[tuple[int, int, str, str]], list[int]]


def check(path: Path, everything: list[tuple[int, int, str, str]]) -> tuple[int, JournalReader]:
    """Check that no row is altered, moved or there twice, and that the lost rows are counted; return their number."""
    reader = JournalReader(path)
    rows = [row for batch in reader.batches(7) for row in batch]
    events = [row for row in rows if row.kind == "event"]
    gaps = [row for row in rows if row.kind == "connection"]

    assert [row[1:] for row in events] == [everything[row.seq] for row in events]
    assert [row.seq for row in rows] == sorted({row.seq for row in rows})
    lost = len(everything) - len(events)
    if not any(damage.lost_count is None for damage in reader.damages) and reader.ended != "torn":
        assert lost == sum(json.loads(row.raw)["connection_lost_count"] for row in gaps)
    assert not lost or reader.ended != "complete"
    assert len(gaps) == reader.gap_count
    return lost, reader


@pytest.mark.slow
def test_any_damage_costs_no_other_block(blocks: Blocks, tmp_path: Path) -> None:
    """Bits flipped, zeros, garbage put in, a piece cut out or there twice: no row is altered, others are all read."""
    path, everything, _ = blocks
    data = path.read_bytes()
    chance = random.Random(1)
    rows_of_a_block = 5 * 10
    for number in range(600):
        begin = chance.randrange(len(data))
        end = min(begin + chance.randrange(1, 300), len(data))
        damaged = {
            0: data[:begin] + bytes([data[begin] ^ 1 << chance.randrange(8)]) + data[begin + 1 :],
            1: data[:begin] + bytes(end - begin) + data[end:],
            2: data[:begin] + chance.randbytes(end - begin) + data[begin:],
            3: data[:begin] + data[end:],
            4: data[:end] + data[begin:],
            5: data[:begin] + data[:end] + data[begin:],
        }[number % 6]
        (tmp_path / "damaged").write_bytes(damaged)
        lost, reader = check(tmp_path / "damaged", everything)

        assert lost <= 2 * rows_of_a_block
        assert reader.ended != "complete"


def test_the_damaged_place_is_named(blocks: Blocks, tmp_path: Path) -> None:
    """The rows before it in its block and all behind its block are read; the message has its rows and bytes."""
    path, everything, sizes = blocks
    data = bytearray(path.read_bytes())
    at = sizes[29] + 20
    data[at] ^= 4
    path.write_bytes(data)
    lost, reader = check(path, everything)
    (damage,) = reader.damages

    assert damage.begin < at < damage.end
    assert damage.first_seq == 29 * 5
    assert lost == damage.lost_count
    assert reader.ended == (
        f"damaged: rows {damage.first_seq} to {damage.first_seq + lost - 1} are lost "
        f"between byte {damage.begin:,} and byte {damage.end:,}"
    )


def test_the_first_block_may_be_damaged(blocks: Blocks) -> None:
    """Each block has the head, so that the others are read without the first."""
    path, everything, _ = blocks
    data = path.read_bytes()
    path.write_bytes(bytes(100) + data[100:])
    lost, reader = check(path, everything)

    assert reader.head["started_ns"] == 5
    assert 0 < lost <= 50
    assert reader.damages[0].first_seq == 0


def test_a_block_of_another_journal_is_damage(blocks: Blocks, tmp_path: Path) -> None:
    """Its rows are not taken for those of this recording."""
    path, _, _ = blocks
    other = tmp_path / "other"
    writer = JournalWriter(other, 6, {"verb": "test"})
    writer.write([(1, 1, "event", "{}")])
    writer.close()
    path.write_bytes(other.read_bytes() + path.read_bytes())
    reader = JournalReader(path)
    assert [row.raw for batch in reader.batches(10) for row in batch] == ["{}"]
    assert reader.ended.startswith("damaged")


@examples(100)
@given(st.data())
def test_several_bits_flipped(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Wherever they are, a row is as it was written or counted as lost."""
    path = tmp_path_factory.mktemp("journal") / "j"
    everything: list[tuple[int, int, str, str]] = [(i, i, "event", f'{{"n":{i}}}') for i in range(300)]
    write(path, [everything[begin : begin + 10] for begin in range(0, 300, 10)])
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=4, unique=True)):
        content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)
    with suppress(JournalError):  # its only head is damaged
        check(path, everything)


def test_format_1_is_read() -> None:
    """A journal of an earlier version, whole and cut."""
    path = Path(__file__).with_name("journal_of_format_1.bin")
    found, reader = read(path)

    assert [row[0] for row in found] == [i * 10 + k for i in range(12) for k in range(3)]
    assert (reader.head["format"], reader.ended) == (1, "complete")


def test_damage_of_format_1_is_reported(tmp_path: Path) -> None:
    """It has one checksum at its end: whole rows before the damage are read."""
    data = bytearray(Path(__file__).with_name("journal_of_format_1.bin").read_bytes())
    data[len(data) * 3 // 4] ^= 0x55
    path = tmp_path / "j"
    path.write_bytes(data)
    found, reader = read(path)

    assert reader.ended.startswith("damaged")
    assert len(found) > 15


def test_plain_tools_read_it(tmp_path: Path) -> None:
    """It is a zstd stream of lines of JSON: a frame stands there as it came, anything odd as text."""
    path = tmp_path / "j"
    write(path, [[(1, 2, "event", '{"a":"ü"}'), (3, 4, "event", "{\n}"), (5, 6, "mark", "{}"), (7, 8, "event", "{")]])
    rows = [line for line in lines(path).decode().splitlines() if not line.startswith(('{"arirecord":', '{"crc32":'))]

    assert rows == [
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
