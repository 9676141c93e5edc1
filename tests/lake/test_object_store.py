"""Object storage: sessions and lakes in a store are those of the same files, with few requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import arirecord
from arirecord.analytics.connection import connect
from arirecord.errors import NotASession, StorageError
from arirecord.session.object_store import ObjectPath, location
from arirecord.session.reader import open_session
from tests.conftest import HERE

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
