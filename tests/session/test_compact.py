"""A compact session says the same, byte for byte, in less space."""

import random
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.doctor import examine
from arirecord.errors import ArirecordError, NotASession, TargetExists
from arirecord.session import compact as module
from arirecord.session import parquet, raw_templates
from arirecord.session.column_check import LEADING
from arirecord.session.compact import compact
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import Frame, open_session
from arirecord.session.rows import own_text
from arirecord.session.seal import seal
from tests.conftest import read_lines, streams
from tests.examples import examples
from tests.session.test_table import MUTATIONS

Rows = list[tuple[int, int, str, str]]


def sealed(target: Path, rows: Rows) -> Path:
    writer = JournalWriter(journal_path(target), 1_000, {"verb": "test"})
    writer.write(rows)
    writer.close()
    seal(writer.path, target)
    return target


def both(folder: Path, texts: list[str]) -> tuple[list[Frame], list[Frame], Path]:
    """All rows of a session of these frames, those of the compact one, and where that is."""
    made = sealed(folder / "s.parquet", [(5_000 + i, i * i, "event", text) for i, text in enumerate(texts)])
    compact(open_session(made), folder / "c.parquet")
    before, after = (list(open_session(path).frames(kinds=None)) for path in (made, folder / "c.parquet"))
    return before, after, folder / "c.parquet"


@pytest.mark.parametrize("name", streams())
def test_every_real_stream(name: str, sessions: dict[str, Path], tmp_path: Path) -> None:
    """The same rows in the same order; hardly a text is kept."""
    before = open_session(sessions[name])
    compact(before, tmp_path / "c.parquet")
    after = open_session(tmp_path / "c.parquet")

    assert list(after.frames(kinds=None)) == list(before.frames(kinds=None))
    assert (after.header.types, after.header.rows) == (before.header.types, before.header.rows)
    kept = pq.read_table(tmp_path / "c.parquet", columns=["raw"])["raw"]
    assert len(kept) - kept.null_count <= len(kept) * (0.02 if "pretty" not in name and "rest" not in name else 1)


@pytest.fixture(scope="module")
def frames() -> list[str]:
    names = [name for name in streams() if not name.startswith("mixed_load")]
    return [orjson.loads(line)["frame"] for name in names for line in read_lines(streams()[name])]


@pytest.mark.slow
@examples(25)
@given(st.integers(0, 2**32))
def test_damaged_frames(frames: list[str], tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Whatever is wrong with a frame, its text comes back."""
    rng = random.Random(seed)
    some = rng.sample(frames, 40)
    for index in rng.sample(range(40), 15):
        some[index] = rng.choice(MUTATIONS)(some[index], rng)
    before, after, _ = both(tmp_path_factory.mktemp("compact"), some)

    assert after == before


texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.slow
@examples(25)
@given(
    st.lists(st.builds(lambda a, b, c: {"type": "ChannelVarset", "variable": a, "value": b, c: a}, texts, texts, texts))
)
def test_any_values(tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, str]]) -> None:
    """Quotes, controls, what looks like a template, letters from everywhere."""
    dumped = [orjson.dumps(event).decode() for event in events]
    before, after, _ = both(tmp_path_factory.mktemp("compact"), dumped)

    assert [frame.raw for frame in after] == dumped
    assert after == before


def test_other_kinds_keep_their_text(tmp_path: Path) -> None:
    """Nobody but arirecord wrote them: there is nothing to gain."""
    rows: Rows = [
        (1, 0, "connection", own_text("connection", "opened", url="ws://x/ari")),
        (2, 1, "event", '{"type":"Dial","dialstatus":"a <type> \\"b\\" \\\\ \\n"}'),
        (3, 2, "binary", "/w=="),
        (4, 3, "mark", own_text("mark", "mark", text="<type>")),
    ]
    made = sealed(tmp_path / "s.parquet", rows)
    compact(open_session(made), tmp_path / "c.parquet")

    assert [frame.raw for frame in open_session(tmp_path / "c.parquet").frames(kinds=None)] == [row[3] for row in rows]
    assert pq.read_table(tmp_path / "c.parquet").sort_by("seq")["raw"].null_count == 1


def test_the_doctor_knows_a_compact_session(tmp_path: Path) -> None:
    """It finds in a compact session what it finds in the same as it was."""
    made = Path(__file__).parents[2] / "sample_data" / "talk_and_hold.parquet"
    compact(open_session(made), tmp_path / made.name)

    assert list(examine(tmp_path / made.name)) == list(examine(made))


def test_order_across_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are clustered within a row group only, so that the stream is read in order."""
    monkeypatch.setattr(module, "COMPACT_ROW_GROUP", 10)
    monkeypatch.setattr(parquet, "COMPACT_ROW_GROUP", 10)
    monkeypatch.setattr(module, "_SLICE", 3)
    events = [f'{{"type":"Dial","dialstatus":"{i}","peer":{{"id":"{i % 3}"}}}}' for i in range(35)]
    before, after, path = both(tmp_path, events)
    groups = pq.read_metadata(path).num_row_groups

    assert after == before
    assert groups == 4
    assert pq.read_table(path)["seq"].to_pylist() != list(range(35))
    assert open_session(path).events().collect()["seq"].to_list() == list(range(35))


def test_columns_without_a_value_are_left_out(tmp_path: Path) -> None:
    """Save those that every session has."""
    _, after, path = both(tmp_path, ['{"type":"Dial","dialstatus":"BUSY"}'])
    names = pq.read_schema(path).names

    assert [frame.raw for frame in after] == ['{"type":"Dial","dialstatus":"BUSY"}']
    assert [*names[:8], *names[-3:]] == [*LEADING.names, "extra", "raw", "raw_template"]
    assert names[8:-3] == ["dialstatus"]


def test_templates_that_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More forms of one type than are kept in mind, in turns, and others between that no template gives."""
    monkeypatch.setattr(raw_templates, "_KNOWN", 2)
    monkeypatch.setattr(module, "_SLICE", 7)
    keys = ["forward", "forwarded", "dialstring", "dialstatus"]
    events = [f'{{"type":"Dial","{keys[i % 4]}":"{i}"' + ("}" if i % 3 else ', "peer":{}}') for i in range(60)]
    before, after, path = both(tmp_path, [event.replace('"forwarded":', '"x":') for event in events])

    assert after == before
    assert pq.read_table(path)["raw"].null_count > 20


def test_a_folder(tmp_path: Path) -> None:
    """Becomes a folder of the same names."""
    for day in ("date=2026-11-23", "date=2026-11-24"):
        (tmp_path / "days" / day).mkdir(parents=True)
        sealed(tmp_path / "days" / day / "1.parquet", [(1, 0, "event", '{"type":"Dial","dialstatus":"BUSY"}')])
    compact(open_session(tmp_path / "days"), tmp_path / "out")

    assert [str(p.relative_to(tmp_path / "out")) for p in open_session(tmp_path / "out").paths] == [
        "date=2026-11-23/1.parquet",
        "date=2026-11-24/1.parquet",
    ]


def test_what_is_refused(tmp_path: Path) -> None:
    """A second time, and a target that is there."""
    made = sealed(tmp_path / "s.parquet", [(1, 0, "event", "{}")])
    compact(open_session(made), tmp_path / "c.parquet")
    with pytest.raises(NotASession, match="compact already"):
        compact(open_session(tmp_path / "c.parquet"), tmp_path / "d.parquet")
    with pytest.raises(TargetExists):
        compact(open_session(made), tmp_path / "c.parquet")


def test_a_difference_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is read back, and must be the same."""
    made = sealed(tmp_path / "s.parquet", [(1, 0, "event", '{"type":"Dial","dialstatus":"BUSY"}')])

    def wrong(tables: list[pa.Table]) -> pa.Table:
        table = pa.concat_tables(tables)
        tables.clear()
        return table.set_column(table.schema.get_field_index("dialstatus"), "dialstatus", pa.array(["CANCEL"]))

    monkeypatch.setattr(module, "_clustered", wrong)
    with pytest.raises(ArirecordError, match="not what was written"):
        compact(open_session(made), tmp_path / "c.parquet")

    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]
