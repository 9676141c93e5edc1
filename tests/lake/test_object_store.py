"""Object storage: sessions and lakes in a store are those of the same files, with few requests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

import arirecord
from arirecord.analytics.connection import connect
from arirecord.analytics.kept_tables import keeps_tables
from arirecord.cli import cli
from arirecord.errors import NotASession, StorageError
from arirecord.lake.build_tables import build_tables
from arirecord.lake.compaction import compact_lake
from arirecord.lake.engines import LocalEngine
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import list_parts
from arirecord.session.object_store import ObjectPath, location
from arirecord.session.part_index import write_index
from arirecord.session.parts import open_part
from arirecord.session.reader import open_session
from tests.conftest import HERE
from tests.waiting import HANG_S

from .lakes import BASE_NS, record, rows_of, stretched
from .object_server import ObjectServer, object_server

SAMPLE_DATA = HERE.parent / "sample_data"

pytest.importorskip("moto", reason="needs moto's server")


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with object_server() as running:
        yield running


@pytest.fixture
def store(server: ObjectServer, request: pytest.FixtureRequest) -> Iterator[ObjectPath]:
    """An empty folder in the store."""
    yield server.path(request.node.name.replace("[", "-").rstrip("]"))
    server.before = lambda method, key: None


@pytest.mark.parametrize("name", ["s.parquet", "call[1]*?.parquet", "server=02%3Afc/ä b#+&.parquet"])
def test_a_session_in_a_store_is_read_as_a_file(server: ObjectServer, store: ObjectPath, name: str) -> None:
    """Rows, header, events and tables, whatever characters the key has."""
    file = SAMPLE_DATA / "ivr_dtmf.parquet"
    path = server.put(file, f"{store.name}/{name}")
    stored, local = open_session(str(path)), open_session(file)

    assert stored.header == local.header
    assert list(stored.frames(kinds=None)) == list(local.frames(kinds=None))
    assert stored.events().collect().equals(local.events().collect())
    with connect(stored, models=["dtmf"]) as one, connect(local, models=["dtmf"]) as two:
        assert one.sql("FROM dtmf").fetchall() == two.sql("FROM dtmf").fetchall()


@pytest.mark.slow
def test_a_table_takes_few_requests_and_part_of_the_bytes(server: ObjectServer, store: ObjectPath) -> None:
    """Each range is requested once, whatever number of statements reads it, also by threads at once."""
    file = SAMPLE_DATA / "peak_load.parquet"
    path = server.put(file, f"{store.name}/s.parquet")
    server.forget()
    with connect(open_session(path), models=["calls"]) as stored, connect(file, models=["calls"]) as local:
        stored.execute("SET threads = 8")
        assert sorted(map(repr, stored.sql("FROM calls").fetchall())) == sorted(
            map(repr, local.sql("FROM calls").fetchall())
        )

    assert len(server.requests) <= 20
    assert sum(request.size for request in server.requests) < 0.7 * file.stat().st_size


def test_a_lake_is_listed_once_and_what_it_lacks_is_asked_once(server: ObjectServer, store: ObjectPath) -> None:
    """Tables that are not kept take one request, not a listing of what begins with their name."""
    ingest([SAMPLE_DATA / "ivr_dtmf.parquet"], store)
    server.forget()

    assert not keeps_tables(open_session(store))
    assert [request.method for request in server.requests if request.key == "/recordings"] == ["GET"]
    assert [request.method for request in server.requests if request.key.endswith("kept.json")] == ["HEAD"]


def test_a_folder_and_a_pattern_in_a_store_are_one_session(server: ObjectServer, store: ObjectPath) -> None:
    """Hidden objects and others than Parquet are no part of it."""
    files = [SAMPLE_DATA / f"{name}.parquet" for name in ("ivr_dtmf", "transfers")]
    for number, file in enumerate(files):
        server.put(file, f"{store.name}/day={number}/{file.name}")
    server.put(files[0], f"{store.name}/.hidden/x.parquet")
    server.put(files[0], f"{store.name}/day=0/notes.txt")

    expected = list(open_session(files).frames())
    for given in (store, f"{store}/", f"{store}/day=*/*.parquet", f"{store}/**/[it]*.parquet", f"{store}/day=[01]"):
        assert list(open_session(given).frames()) == expected
    assert list(arirecord.open_session([f"{store}/day=1", f"{store}/day=0/ivr_dtmf.parquet"]).frames()) == expected


def test_an_object_that_was_replaced_is_read_anew(server: ObjectServer, store: ObjectPath, tmp_path: Path) -> None:
    """Also by a process that has read it before, though another one has replaced it."""
    path = server.put(SAMPLE_DATA / "ivr_dtmf.parquet", f"{store.name}/s.parquet")
    before = open_session(path).header
    from pyarrow.fs import copy_files

    from arirecord.session.object_store import file_system

    copy_files(str(SAMPLE_DATA / "transfers.parquet"), path.key, destination_filesystem=file_system())
    assert open_session(path).header == open_session(SAMPLE_DATA / "transfers.parquet").header != before


def test_an_object_that_lacks_its_end_is_named(server: ObjectServer, store: ObjectPath, tmp_path: Path) -> None:
    """Another program has copied half of it; or nothing."""
    data = (SAMPLE_DATA / "ivr_dtmf.parquet").read_bytes()
    for number, end in enumerate((0, 3, len(data) // 2, len(data) - 1)):
        part = tmp_path / "part"
        part.write_bytes(data[:end])
        path = server.put(part, f"{store.name}/{number}.parquet")
        with pytest.raises(NotASession, match=f"{number}.parquet"):
            open_session(path)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("s3://recordings/none.parquet", "s3://recordings/none.parquet does not exist"),
        ("s3://recordings/none", "s3://recordings/none does not exist"),
        ("s3://recordings/none*", "no file matches s3://recordings/none*"),
        ("s3://elsewhere/none.parquet", "the bucket elsewhere does not exist"),
        ("s3://elsewhere/none", "the bucket elsewhere does not exist"),
    ],
)
def test_a_missing_object_or_bucket_is_named(server: ObjectServer, path: str, says: str) -> None:
    with pytest.raises(OSError, match=says.replace("*", r"\*")):
        open_session(path)


def test_an_unreachable_store_is_named(store: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, with the setting to look at."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageError, match=r"can't be reached.*AWS_ENDPOINT_URL") as raised:
        open_session(store)
    assert "\n" not in str(raised.value)


def test_a_path_in_a_store_stays_one(store: ObjectPath) -> None:
    """Its parts, parents and children have the scheme; no method takes it for a file of this machine."""
    path = location("s3://bucket/a//b/c.parquet")
    assert isinstance(path, ObjectPath)
    assert [str(each) for each in (path, path.parent, path.parent / "d", path.with_name("e"))] == [
        "s3://bucket/a/b/c.parquet", "s3://bucket/a/b", "s3://bucket/a/b/d", "s3://bucket/a/b/e",
    ]  # fmt: skip
    assert {path, location(Path("s3://bucket/a/b/c.parquet")), location("S3://bucket/a/b/c.parquet")} == {path}
    assert repr(path.relative_to("s3://bucket/a")) == "PosixPath('b/c.parquet')"
    assert not isinstance(location("./s3:/bucket"), ObjectPath)
    with pytest.raises(OSError, match="s3://bucket"):
        path.touch()
    with pytest.raises(StorageError, match="piece by piece"):
        path.open("w")


HOUR_NS = 3600 * 10**9
WRITES = ("PUT", "POST", "DELETE")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours of one recording, of the same server and day."""
    folder, seq = tmp_path_factory.mktemp("hours"), 0
    for number in range(4):
        begin_ns = BASE_NS + number * HOUR_NS
        rows = [(t, t - BASE_NS, kind, raw) for t, _, kind, raw in stretched("ivr_dtmf/all", begin_ns=begin_ns)]
        record(rows, folder / f"{number}.parquet", first_seq=seq)
        seq += len(rows)
    return folder


def test_a_lake_in_a_store_has_the_rows_of_its_sessions(store: ObjectPath, folder: Path, server: ObjectServer) -> None:
    """Days, servers and rows are those of a lake on a disk; again, nothing is added."""
    first, again = ingest([folder], store), ingest([folder, store], store)

    assert (len(first.added), len(again.added), again.known_count) == (4, 0, 8)
    assert rows_of(store) == rows_of(folder)
    assert {(part.server, part.day) for part in list_parts(store)} == {("02:fc:00:00:00:01", date(2026, 11, 23))}
    assert [part.path for part in list_parts(store, last_day=date(2026, 11, 22))] == []


@pytest.mark.slow
def test_ingests_at_once_and_a_kill_lose_and_double_nothing(
    store: ObjectPath, folder: Path, server: ObjectServer
) -> None:
    """One of three processes is killed when it writes the second part; the parts seen then are whole."""
    arguments = [sys.executable, "-m", "arirecord", "ingest", str(folder), str(store)]
    writes = []

    def kill(method: str, key: str) -> None:
        writes.append((method, key))
        if len([key for _, key in writes if key.endswith(".parquet")]) == 2:
            os.kill(victim.pid, signal.SIGKILL)

    server.before = lambda method, key: kill(method, key) if method in WRITES else None
    victim = subprocess.Popen(arguments, stderr=subprocess.PIPE)
    assert victim.wait(HANG_S) == -signal.SIGKILL
    server.before = lambda method, key: None
    victim.communicate()
    seen = rows_of(store)
    assert 0 < len(seen) < len(rows_of(folder))
    assert len(seen) == len(set(seen))
    processes = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [process.communicate(timeout=HANG_S)[1].decode() for process in processes]

    assert [process.returncode for process in processes] == [0, 0], ends
    assert rows_of(store) == rows_of(folder)


@pytest.mark.slow
def test_each_reader_sees_each_row_once_while_days_are_compacted(
    store: ObjectPath, folder: Path, server: ObjectServer
) -> None:
    """A reader before each write of the compaction; afterwards the day is one object, and nothing else is there."""
    ingest([folder], store)
    expected = rows_of(folder)
    seen = []
    server.before = lambda method, key: seen.append(rows_of(store)) if method in WRITES else None
    done = compact_lake(store, date(2026, 11, 24))
    server.before = lambda method, key: None

    assert (done.files_before, done.files_after, done.problems) == (4, 1, [])
    assert len(seen) >= 7
    assert all(rows == expected for rows in [*seen, rows_of(store)])
    left = [path.suffix for path in store.rglob("*") if path.name[0] != "."]
    assert left == [".json", ".parquet"]
    assert ingest([folder], store).known_count == 4


@pytest.mark.slow
@pytest.mark.parametrize("writes", [2, 3, 5])
def test_a_killed_compaction_is_finished_by_the_next(
    store: ObjectPath, folder: Path, server: ObjectServer, writes: int
) -> None:
    """Killed before it uploads the new object, before it removes the old ones, and amid that."""
    ingest([folder], store)
    seen = []

    def kill(method: str, key: str) -> None:
        seen.append(key)
        if len(seen) == writes:
            os.kill(victim.pid, signal.SIGKILL)

    arguments = [sys.executable, "-m", "arirecord", "compact", str(store), "--older-than", "1d"]
    server.before = lambda method, key: kill(method, key) if method in WRITES else None
    victim = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    assert victim.wait(HANG_S) == -signal.SIGKILL
    server.before = lambda method, key: None
    assert rows_of(store) == rows_of(folder)
    compact_lake(store, date(2026, 11, 24))

    assert rows_of(store) == rows_of(folder)
    assert len(list_parts(store)) == 1
    assert len(list((store / "events").rglob("*.parquet"))) == 1


@pytest.mark.slow
def test_tables_are_kept_in_a_store(store: ObjectPath, folder: Path, tmp_path: Path) -> None:
    """They are those of the files; a second build computes none."""
    done = CliRunner().invoke(cli, ["ingest", str(folder), str(store), "--tables"])
    again = build_tables(open_session(store), engine=LocalEngine(1))

    assert done.exit_code == 0, done.output
    assert "tables of 1 windows, 1 of them computed" in done.output
    assert again.computed_count == 0
    with connect(open_session(store), kept=True, models=["dtmf"]) as kept, connect(folder, models=["dtmf"]) as computed:
        assert "read_parquet" in str(kept.sql("SELECT sql FROM duckdb_views() WHERE view_name = 'dtmf'").fetchall())
        assert sorted(map(repr, kept.sql("FROM dtmf").fetchall())) == sorted(
            map(repr, computed.sql("FROM dtmf").fetchall())
        )


def test_a_lake_with_an_index_opens_without_its_parts(store: ObjectPath, folder: Path, server: ObjectServer) -> None:
    """They are as in their files; a part that was put in or replaced since is read from its file."""
    ingest([folder], store)
    write_index(store, open_session(store).parts, 1 << 62)
    server.forget()
    parts = open_session(store).parts

    assert {request.key.rpartition("/")[2] for request in server.requests if request.key.endswith(".parquet")} == {
        ".parts.parquet"
    }
    assert parts == [open_part(part.path) for part in list_parts(store)]
    ingest([SAMPLE_DATA / "ivr_dtmf.parquet"], store)
    assert len(open_session(store).parts) == len(parts) + 1
    status = parts[0].path.stat()
    assert (status.st_mtime_ns, status.st_ctime_ns) == (status.st_mtime * 10**9,) * 2 != (0, 0)


@pytest.mark.slow
def test_numbers_are_erased_and_old_parts_removed_in_a_store(store: ObjectPath, folder: Path) -> None:
    """With a folder as with a lake: parts are replaced in one step each, then removed."""
    ingest([folder], store)
    caller = '"number":"1001"'
    assert caller in str(rows_of(store))
    erased = CliRunner().invoke(cli, ["erase", str(store), "--number", "1001", "--exact"])
    assert erased.exit_code == 0, erased.output
    assert caller not in str(rows_of(store))
    assert len(rows_of(store)) == len(rows_of(folder))
    removed = CliRunner().invoke(cli, ["retain", str(store), "--keep", "1d"])
    assert removed.exit_code == 0, removed.output
    assert list_parts(store) == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["calls", "s3://recordings/none.parquet"], 1, "s3://recordings/none.parquet does not exist"),
        (["ingest", "s3://elsewhere/x", "{store}"], 1, "the bucket elsewhere does not exist"),
        (["ingest", "{file}", "s3://elsewhere/lake"], 1, "the bucket does not exist"),
        (["filter", "{file}", "-o", "s3://recordings/x.parquet"], 2, "arirecord ingest FILE s3://BUCKET/LAKE"),
        (["capture", "-o", "s3://recordings/x.parquet"], 2, "arirecord ingest FILE s3://BUCKET/LAKE"),
    ],
)
def test_an_error_of_a_store_is_one_sentence(store: ObjectPath, arguments: list[str], code: int, says: str) -> None:
    values = {"store": store, "file": SAMPLE_DATA / "ivr_dtmf.parquet"}
    result = CliRunner().invoke(cli, [argument.format(**values) for argument in arguments])

    assert result.exit_code == code, result.output
    assert says in result.output
    assert "Traceback" not in result.output


def test_wrong_credentials_are_named(
    server: ObjectServer, store: ObjectPath, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For reading and for writing; nothing of the recording is reported as damaged."""
    from moto import settings

    path = server.put(folder / "0.parquet", f"{store.name}/s.parquet")
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    with pytest.raises(StorageError, match="AWS_ACCESS_KEY_ID"):
        open_session(path)
    with pytest.raises(StorageError, match="AWS_ACCESS_KEY_ID"):
        ingest([folder], store / "lake")
