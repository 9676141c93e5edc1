"""Sealing keeps every row and the journal until the session is proved."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.doctor.files import examine
from arirecord.errors import JournalError, NotASession, TargetExists
from arirecord.session import parquet
from arirecord.session import seal as module
from arirecord.session.columnar.table import rows_to_table
from arirecord.session.compact import compact
from arirecord.session.header import COMPACT_FORMAT, KEY, Drift, Header
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.rows import own_text
from arirecord.session.seal import recover, seal
from tests.conftest import read_lines, streams
from tests.examples import examples

SAMPLES = Path(__file__).parents[2] / "sample_data"


def journal_of(target: Path, frames: list[str], kind: str = "event") -> Path:
    writer = JournalWriter(journal_path(target), 1_000, {"verb": "test"})
    writer.write((1_000 + i, i, kind, frame) for i, frame in enumerate(frames))
    writer.close()
    return writer.path


texts = st.text(st.characters(exclude_categories=["Cs"]))
frames = st.one_of(texts, st.dictionaries(texts, texts).map(lambda d: orjson.dumps(d).decode()))


@pytest.mark.slow
@examples(30)
@given(st.lists(frames, max_size=20))
def test_any_frames(tmp_path_factory: pytest.TempPathFactory, frames: list[str]) -> None:
    """Whatever text the frames are, they come back as they were."""
    target = tmp_path_factory.mktemp("seal") / "s.parquet"
    header = seal(journal_of(target, frames), target)

    assert [frame.raw for frame in open_session(target).frames()] == frames
    assert header.events == len(frames)
    assert not journal_path(target).exists()


@pytest.mark.parametrize("name", streams())
def test_every_real_stream(name: str, sessions: dict[str, Path]) -> None:
    """Frame by frame, byte for byte, in order, with its time; without drift."""
    session = open_session(sessions[name])
    lines = [orjson.loads(line) for line in read_lines(streams()[name])]
    found = [(frame.t_ns, frame.raw) for frame in session.frames()]

    assert found == [(line["t"], line["frame"]) for line in lines]
    assert session.header.drift == {}
    assert session.header.types == _count(orjson.loads(line["frame"])["type"] for line in lines)


def _count(names: Any) -> dict[str, int]:
    result: dict[str, int] = {}
    for name in names:
        result[name] = result.get(name, 0) + 1
    return result


def test_row_groups_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come in order across row groups, with the columns of types that occur in only one of them."""
    monkeypatch.setattr(parquet, "ROW_GROUP", 3)
    frames = ['{"type":"ApplicationReplaced"}'] * 7 + ['{"type":"ChannelDtmfReceived","digit":"5"}'] * 2
    target = tmp_path / "s.parquet"
    seal(journal_of(target, frames), target)

    assert [frame.raw for frame in open_session(target).frames()] == frames
    assert pq.read_table(target)["digit"].to_pylist() == [None] * 7 + ["5"] * 2
    assert pq.read_metadata(target).num_row_groups == 3


def test_a_type_written_strangely_still_gets_its_columns(tmp_path: Path) -> None:
    """The first, quick look at the journal can't find it; writing finds out and begins again."""
    target = tmp_path / "s.parquet"
    seal(journal_of(target, ['{"t\\u0079pe":"ChannelDtmfReceived","digit":"5"}']), target)

    assert pq.read_table(target)["digit"].to_pylist() == ["5"]


def test_a_difference_keeps_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the session read back is not what was received, there is no session, and the journal stays."""
    target = tmp_path / "s.parquet"
    journal = journal_of(target, ['{"type":"Dial"}', '{"type":"Dial"}'])

    def wrong(rows: Any, schema: Any, drift: Drift, own: Any) -> Any:
        return rows_to_table([row._replace(raw=row.raw.replace("Dial", "dial")) for row in rows], schema, drift)

    monkeypatch.setattr(module, "rows_to_table", wrong)
    with pytest.raises(JournalError, match="row 0 was not written as it was received"):
        seal(journal, target)

    assert [path.name for path in tmp_path.iterdir()] == [journal.name]


def test_an_existing_session_stays(tmp_path: Path) -> None:
    """Unless somebody says force; one that appears while sealing is not replaced either."""
    target = tmp_path / "s.parquet"
    target.write_text("precious")
    journal = journal_of(target, ["{}"])
    with pytest.raises(TargetExists, match=r"exists.*The recording is safe in .*\.journal"):
        seal(journal, target)

    assert target.read_text() == "precious"
    assert journal.exists()

    target.unlink()

    def appear(what: str, rows: int) -> None:
        target.write_text("precious")

    with pytest.raises(TargetExists, match=r"appeared in the meantime.*The recording is safe in .*\.journal"):
        seal(journal, target, progress=appear)

    assert target.read_text() == "precious"
    assert journal.exists()
    assert seal(journal, target, force=True).events == 1
    assert open_session(target).header.events == 1


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """A session holds calls: mode 0600."""
    target = tmp_path / "s.parquet"
    seal(journal_of(target, []), target)

    assert target.stat().st_mode & 0o777 == 0o600


def test_a_torn_journal_is_sealed_as_far_as_it_goes(tmp_path: Path) -> None:
    """And the header says that it was cut off."""
    target = tmp_path / "s.parquet"
    writer = JournalWriter(journal_path(target), 1_000, {"verb": "test"})
    for i in range(100):
        writer.write([(1_000 + i, i, "event", f'{{"type":"Dial","dialstatus":"{i}"}}')])
    writer.close()
    writer.path.write_bytes(writer.path.read_bytes()[:-20])
    header = recover(writer.path)

    assert header.ended.startswith("cut off")
    assert 90 < header.events <= 100
    assert [frame.seq for frame in open_session(target).frames()] == list(range(header.events))


def test_a_damaged_journal_is_kept(tmp_path: Path) -> None:
    """What can be read becomes a session; the journal stays, under another name."""
    target = tmp_path / "s.parquet"
    journal = journal_of(target, ["{}"])
    journal.write_bytes(journal.read_bytes() + b"more")
    header = recover(journal)

    assert header.ended.startswith("damaged")
    assert {path.name for path in tmp_path.iterdir()} == {"s.parquet", "s.parquet.journal.damaged"}


@pytest.mark.slow
def test_a_damaged_page_costs_one_block(tmp_path: Path) -> None:
    """The session has the rows around it and a gap with their number; doctor, recover and cat have the same figures."""
    target = tmp_path / "s.parquet"
    recorded = [frame.raw for frame in open_session(SAMPLES / "office_hour.parquet").frames()]
    frames = [recorded[n % len(recorded)] for n in range(3000)]
    journal = journal_of(target, frames)
    data = journal.read_bytes()
    middle = len(data) // 2
    journal.write_bytes(data[:middle] + bytes(4096) + data[middle + 4096 :])
    (reported,) = (f for f in examine(journal) if f.rule == "journal")
    header = recover(journal)
    session = open_session(target)
    rows = list(session.frames(kinds=None))
    (gap,) = (row for row in rows if row.kind == "connection")
    events = [row for row in rows if row.kind == "event"]

    assert [row.raw for row in events] == [frames[row.seq] for row in events]
    assert 2500 < header.events < 3000
    assert header.lost_count == 3000 - header.events == orjson.loads(gap.raw)["connection_lost_count"]
    assert f"{header.events:,} rows can be read" in reported.what
    assert header.ended in reported.what.replace("Damaged: ", "damaged: ")
    assert {"ended", "gap"} <= {finding.rule for finding in examine(target)}
    assert not {"order", "columns"} & {finding.rule for finding in examine(target)}

    kept = journal.with_name(journal.name + ".damaged")
    again = recover(kept, tmp_path / "again.parquet")
    assert again.events == header.events
    assert kept.exists()


def test_a_living_recording_is_not_recovered(tmp_path: Path) -> None:
    """Its journal is still being written."""
    writer = JournalWriter(tmp_path / "s.parquet.journal", 1, {})
    with pytest.raises(JournalError, match="is being written"):
        recover(writer.path)
    writer.close()


def test_gaps_and_losses_are_counted(tmp_path: Path) -> None:
    """From the rows that tell of the connection."""
    target = tmp_path / "s.parquet"
    texts = [
        own_text("connection", "opened", url="ws://x/ari"),
        own_text("connection", "gap", reason="lost", lost_count=3),
    ]
    header = seal(journal_of(target, texts, "connection"), target)
    table = pq.read_table(target)

    assert (header.gap_count, header.lost_count, header.events, header.rows) == (1, 3, 0, 2)
    assert table["connection_url"].to_pylist() == ["ws://x/ari", None]
    assert table["type"].to_pylist() == ["opened", "gap"]


@pytest.mark.parametrize("kind", ["connection", "rest", "mark", "later", "binary"])
def test_rows_of_our_own_may_be_anything(tmp_path: Path, kind: str) -> None:
    """Somebody may import them: whatever their text is, it is kept, and what is wrong is drift."""
    target = tmp_path / "s.parquet"
    texts = ["garbage", "[1]", '{"type":5}', '{"type":"x","rest_status":"y","mark_text":7,"other":1}']
    header = seal(journal_of(target, texts, kind), target)

    assert [frame.raw for frame in open_session(target).frames(kinds=[kind])] == texts
    assert header.drift_count >= 4


def test_bytes_of_every_type_are_counted(tmp_path: Path) -> None:
    """Frames and the bytes of their text, not its letters; rows that are no events do not count."""
    frames = ['{"type":"Dial","dialstatus":"é"}', "garbage", '{"type":"Dial","dialstatus":"BUSY"}']
    mark = (9_000, 9, "mark", own_text("mark", "mark", text="x"))
    target = tmp_path / "days" / "1.parquet"
    target.parent.mkdir()
    for path in (target, target.with_name("2.parquet")):
        writer = JournalWriter(journal_path(path), 1_000, {"verb": "test"})
        writer.write([*((1_000 + i, i, "event", frame) for i, frame in enumerate(frames)), mark])
        writer.close()
        seal(writer.path, path)
    expected = {"Dial": [2, len((frames[0] + frames[2]).encode())], "": [1, 7]}

    assert open_session(target).header.type_bytes == expected
    assert open_session(target.parent).header.type_bytes == {k: [2 * n for n in v] for k, v in expected.items()}


def test_an_earlier_session_has_no_bytes_of_types(tmp_path: Path) -> None:
    """None, in a folder with later ones too; made compact, it has them."""
    for name in ("old", "new"):
        seal(journal_of(tmp_path / f"{name}.parquet", ['{"type":"Dial"}'] * 2), tmp_path / f"{name}.parquet")
    old = tmp_path / "old.parquet"
    table, header = pq.read_table(old), open_session(old).header.dump()
    found = {key: value for key, value in orjson.loads(header).items() if key != "type_bytes"}
    pq.write_table(table.replace_schema_metadata({KEY: orjson.dumps(found)}), old)
    (tmp_path / "out").mkdir()
    compact(open_session(old), tmp_path / "out" / "c.parquet")

    assert open_session(old).header.type_bytes is None
    assert open_session(tmp_path).header.type_bytes is None
    assert open_session(tmp_path / "out" / "c.parquet").header.type_bytes == {"Dial": [2, 30]}


def test_drift_is_bounded() -> None:
    """However many places there are."""
    drift = Drift()
    drift.add(("unknown field", f"place {i}") for i in range(5000))

    assert len(drift.counts["unknown field"]) == 1001
    assert drift.counts["unknown field"].total() == 5000


def test_a_newer_session_is_refused(tmp_path: Path) -> None:
    """With what to do about it; unknown keys of the header are kept."""
    with pytest.raises(NotASession, match="please update arirecord"):
        Header.load(orjson.dumps({"format": COMPACT_FORMAT + 1}))
    header = Header.load(orjson.dumps({"format": 1, "started_ns": 1, "source": {}, "novel": 5}))

    assert orjson.loads(header.dump())["novel"] == 5


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format":1}',
        b'{"format":"x"}',
        b"null",
        b'{"format":1,"started_ns":"x","source":{}}',
        b'{"format":-3,"started_ns":"x","source":{}}',
        b'{"format":1,"started_ns":1,"source":{},"types":7}',
        b'{"format":1,"started_ns":1,"source":{},"type_bytes":{"Dial":7}}',
    ],
)
def test_a_damaged_header_is_refused(text: bytes) -> None:
    """Never a traceback."""
    with pytest.raises(NotASession):
        Header.load(text)


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    """Each with its own sentence."""
    text = tmp_path / "text.parquet"
    text.write_text("hello")
    with pytest.raises(NotASession, match="is not an arirecord session: it is neither"):
        open_session(text)
    foreign = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"a": [1]}), foreign)
    with pytest.raises(NotASession, match="not an arirecord session"):
        open_session(foreign)
    journal_of(tmp_path / "lost.parquet", ["{}"])
    with pytest.raises(FileNotFoundError, match="arirecord recover"):
        open_session(tmp_path / "lost.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotASession, match=r"without any \.parquet"):
        open_session(tmp_path / "empty")
    assert KEY == b"arirecord"


def test_a_folder_is_a_session(tmp_path: Path) -> None:
    """Parts in the order of their names, headers added up."""
    for name, count in (("b", 2), ("a", 3)):
        folder = tmp_path / "days" / f"date={name}"
        folder.mkdir(parents=True)
        seal(
            journal_of(folder / "s.parquet", [f'{{"type":"Dial","n":"{name}{i}"}}' for i in range(count)]),
            folder / "s.parquet",
        )
    session = open_session(tmp_path / "days")

    assert [orjson.loads(frame.raw)["n"] for frame in session.frames()] == ["a0", "a1", "a2", "b0", "b1"]
    assert session.header.events == 5
    assert session.header.types == {"Dial": 5}
    assert session.events().collect().height == 5


def test_channels_are_counted(tmp_path: Path) -> None:
    """Each once, in whatever part of an event it is named; in several files as in one."""
    frames = [
        f'{{"type":"Dial","dialstatus":"","caller":{{"id":"a"}},"peer":{{"id":"{n % 50}"}},"forwarded":{{"id":"é"}}}}'
        for n in range(200)
    ]
    (tmp_path / "days").mkdir()
    for name, some in (("1.parquet", frames), ("2.parquet", frames[:30]), ("3.parquet", ['{"type":"Dial"}', "x"])):
        seal(journal_of(tmp_path / "days" / name, some), tmp_path / "days" / name)

    assert open_session(tmp_path / "days" / "1.parquet").header.channel_count == 52
    assert open_session(tmp_path / "days" / "2.parquet").channel_count() == 32
    assert open_session(tmp_path / "days" / "3.parquet").channel_count() == 0
    assert open_session(tmp_path / "days").channel_count() == 52
