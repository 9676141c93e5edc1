"""Old parts are removed, and numbers erased, and nothing else; also after a kill."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from arirecord.analytics import connect
from arirecord.cli import cli
from arirecord.doctor import examine
from arirecord.lake.ingest import ingest
from arirecord.lake.layout import date_folder, list_parts, server_folder
from arirecord.lake.retention import erase, find_old_parts, remove_parts
from arirecord.redact.erasure import Erasure
from arirecord.session.compact import compact
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from tests.cli.conftest import COMMAND
from tests.waiting import HANG_S, wait_for

from .lakes import BASE_NS, Row, record, rows_of, stretched

pytestmark = pytest.mark.slow

NUMBER = "+420731111000"
DAY_NS = 86_400 * 10**9
OTHER = "+420732222000"


def call(number: str, at_ns: int, name: str, *, server: str = "one") -> list[Row]:
    """A call of a number, as Asterisk reports it, and what an app, a browser and an operator make of the number."""
    digits = number.lstrip("+")
    channel = {
        "id": f"{name}.1",
        "name": f"PJSIP/{digits}-0000000a",
        "state": "Ring",
        "caller": {"name": "Ann", "number": number},
        "connected": {"name": "", "number": ""},
        "dialplan": {"context": "phones", "exten": "600", "priority": 1, "app_name": "", "app_data": ""},
        "creationtime": "2026-11-23T09:00:00.000+0000",
        "language": "en",
    }
    common = {"timestamp": "2026-11-23T09:00:00.000+0000", "asterisk_id": server, "application": "a"}
    spaced = f"{number[:4]} {number[4:7]} {number[7:10]} {number[10:]}"
    encoded = base64.b64encode(f'{{"from":"{number}"}}'.encode()).decode()
    values = [f"tel%3A%2B{digits}", encoded, f"00{digits} 9{digits[3:]}", spaced, f"sip:{digits[3:]}@x"]
    frames = [
        {"type": "ChannelCreated", "channel": channel, **common},
        *({"type": "ChannelVarset", "variable": "V", "value": v, "channel": channel, **common} for v in values),
        {"type": "ChannelUserevent", "eventname": "E", "userevent": {"n": int(digits)}, "channel": channel, **common},
        {"type": "ChannelDestroyed", "cause": 16, "cause_txt": "Normal Clearing", "channel": channel, **common},
    ]
    escaped = orjson.dumps(frames[0]).decode().replace(digits[:4], "".join(f"\\u003{c}" for c in digits[:4]))
    raws = [("event", orjson.dumps(frame).decode()) for frame in frames]
    raws += [("event", escaped), ("event", f"no JSON: {spaced}")]
    raws += [("mark", f'{{"type":"mark","mark_text":"call {number} back"}}')]
    raws += [("binary", base64.b64encode(f"\x00\x01\x02{number}\x00".encode()).decode())]
    return [(at_ns + n * 10**6, at_ns - BASE_NS + n * 10**6, kind, raw) for n, (kind, raw) in enumerate(raws)]


def sessions(folder: Path, days: int = 2) -> list[Path]:
    """Sessions of two servers, each of some days: calls of the number and of another, and real calls."""
    made = []
    for server in ("one", "two"):
        rows: list[Row] = []
        for day in range(days):
            at_ns = BASE_NS + day * DAY_NS
            rows += stretched("busy_noanswer_cancel/all", server=server, begin_ns=at_ns)
            last_ns = rows[-1][0]
            rows += call(OTHER, last_ns + 10**9, f"other{day}", server=server)
            if server == "one":
                rows += call(NUMBER, last_ns + 2 * 10**9, f"ours{day}", server=server)
        rows = [(t, t - BASE_NS, kind, raw) for t, _, kind, raw in rows]
        made.append(record(rows, folder / f"{server}.parquet"))
    return made


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    root = tmp_path / "lake"
    ingest(sessions(tmp_path), root)
    return root


def digests(root: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


def run(*args: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [str(arg) for arg in args])
    return done.exit_code, done.output


def is_of(raw: str, number: str = NUMBER) -> bool:
    """Whether a row is one of those of `call(number)`."""
    of_call = {raw for *_, raw in call(number, 0, "x")}
    return raw in of_call or "ours" in raw


def test_a_number_is_in_no_decoding_and_all_other_rows_are_as_before(lake: Path) -> None:
    """In text, URL, base64, escapes, JSON numbers, channel names, marks, binary and broken frames; header as before."""
    before = {part.path: (open_session(part.path), rows_of(part.path)) for part in list_parts(lake)}
    unchanged = digests(lake)

    done = erase(lake, Erasure.of([NUMBER]))

    assert {path.parent.parent.name for path in done.parts} == {"server=one"}
    assert (len(done.parts), done.searched_count, done.problems) == (2, 4, [])
    assert done.rows == 2 * len(call(NUMBER, 0, ""))
    for path, (session, rows) in before.items():
        after = rows_of(path)
        kept = [(one, other) for one, other in zip(rows, after, strict=True) if not is_of(str(one[2]))]
        assert [one for one, _ in kept] == [other for _, other in kept]
        assert [row[:2] for row in rows] == [row[:2] for row in after]
        text = path.read_bytes()
        assert NUMBER[1:].encode() not in text
        opened = open_session(path)
        assert opened.parts[0].schema.names == session.parts[0].schema.names
        for field in (
            "started_ns",
            "source",
            "rows",
            "events",
            "types",
            "first_at",
            "last_at",
            "asterisk_ids",
            "other",
        ):
            assert getattr(opened.header, field) == getattr(session.header, field), field
        assert [finding for finding in examine(path) if finding.severity == "error"] == []
        if path not in done.parts:
            assert unchanged[path] == hashlib.sha256(text).hexdigest()
    assert erase(lake, Erasure.of([NUMBER])).parts == []


def calls_of(root: Path) -> list[str]:
    """The rows of `calls`, sorted."""
    with connect(root, models=["calls"]) as db:
        return sorted(map(repr, db.execute("FROM calls").fetchall()))


def test_calls_of_others_are_measured_as_before(lake: Path) -> None:
    """The calls of other numbers are the same before and after."""
    whole = calls_of(lake)
    erase(lake, Erasure.of([NUMBER]))
    erased = calls_of(lake)

    assert [row for row in erased if "ours" not in row] == [row for row in whole if "ours" not in row]
    assert any("999999999" in row for row in erased)


def test_what_was_erased_does_not_come_back(lake: Path, tmp_path: Path) -> None:
    """The same sessions ingested again are known."""
    erase(lake, Erasure.of([NUMBER]))

    assert ingest([tmp_path / "one.parquet", tmp_path / "two.parquet"], lake).added == []


def test_a_dry_run_changes_nothing(lake: Path) -> None:
    before = digests(lake)

    code, said = run("erase", lake, "--number", NUMBER, "--dry-run")

    assert (code, digests(lake)) == (0, before)
    assert "would rewrite" in said
    assert "in 2 of 4 parts have a number" in said
    assert NUMBER not in said


@pytest.mark.parametrize("is_compact", [False, True])
def test_a_session_and_a_recording_in_parts(tmp_path: Path, is_compact: bool) -> None:
    """A number that is shorter, of a national form, and in a compact session; nothing is left beside."""
    [one, _] = sessions(tmp_path / "made")
    folder = tmp_path / "days"
    folder.mkdir()
    target = folder / "part.parquet"
    if is_compact:
        compact(open_session(one), target)
    else:
        shutil.copy(one, target)
    os.utime(target, (10**9, 10**9))
    rows = rows_of(target)

    code, said = run("erase", folder, "--number", "731 111 000")

    assert code == 0, said
    assert [path.name for path in folder.iterdir()] == ["part.parquet"]
    assert target.stat().st_mtime == 10**9
    after = rows_of(target)
    assert [one for one, other in zip(rows, after, strict=True) if one == other] == [
        row for row in rows if not is_of(str(row[2]))
    ]
    assert run("erase", target, "--number", "731 111 000", "--dry-run")[1].count("would rewrite") == 0


def test_digits_as_given_only(tmp_path: Path) -> None:
    """--exact leaves the same number with another prefix."""
    [one, _] = sessions(tmp_path)
    assert erase(one, Erasure.of(["9731111000"], is_exact=True), is_dry=True).rows == 2
    assert erase(one, Erasure.of(["731111000"], is_exact=False), is_dry=True).rows == 2 * len(call(NUMBER, 0, ""))


def test_kept_tables_with_the_number_are_removed(lake: Path) -> None:
    """Of the days that are rewritten all, of others those that hold the number."""
    places = {part.server: part.day for part in list_parts(lake)}
    day = places["two"]
    written = {}
    for name, server, text in (
        ("calls", "one", "nobody"),
        ("legs", "two", f"00{NUMBER[1:]}"),
        ("calls", "two", "nobody"),
    ):
        folder = lake / "tables" / name / server_folder(server) / date_folder(day)
        folder.mkdir(parents=True)
        written[name, server] = folder / "kept.parquet"
        pq.write_table(pa.table({"caller_number": [text], "n": [1], "ids": [["a"]]}), folder / "kept.parquet")

    done = erase(lake, Erasure.of([NUMBER]))

    assert done.table_count == 2
    assert [key for key, path in written.items() if path.exists()] == [("calls", "two")]


def test_what_cannot_be_read_is_named(lake: Path) -> None:
    """A damaged part stays as it is, the others are done; a journal is not searched."""
    damaged, *_ = [part.path for part in list_parts(lake) if part.server == "two"]
    damaged.write_bytes(damaged.read_bytes()[:1000])
    left = journal_path(damaged.with_name("left.parquet"))
    JournalWriter(left, 0, {}).close()
    before = damaged.read_bytes()

    code, said = run("erase", lake, "--number", NUMBER)

    assert code == 3
    assert f"{damaged} was not searched" in said
    assert f"{left} is not sealed and was not searched" in said
    assert "in 2 of 3 parts" in said
    assert damaged.read_bytes() == before


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    """Killed when the first part is rewritten: every part is there, whole; the second run does the rest."""
    root = tmp_path / "lake"
    ingest(sessions(tmp_path, days=5), root)
    parts = [part.path for part in list_parts(root)]
    counts = {path: len(rows_of(path)) for path in parts}
    places = {path: path.stat().st_ino for path in parts}
    process = subprocess.Popen([*COMMAND, "erase", root, "--number", NUMBER], stderr=subprocess.DEVNULL)
    wait_for(lambda: any(path.stat().st_ino != place for path, place in places.items()))
    process.send_signal(signal.SIGKILL)
    process.wait(HANG_S)

    assert {part.path: len(rows_of(part.path)) for part in list_parts(root)} == counts
    assert run("erase", root, "--number", NUMBER)[0] == 0
    assert {part.path: len(rows_of(part.path)) for part in list_parts(root)} == counts
    assert erase(root, Erasure.of([NUMBER]), is_dry=True).rows == 0
    assert not [*(root / ".staging").iterdir()]


@pytest.mark.parametrize("number", ["", "12", "anonymous", "+12345678901234567890", "+420 x"])
def test_what_is_not_a_number(lake: Path, number: str) -> None:
    code, said = run("erase", lake, "--number", number)

    assert code == 2
    assert "is not a phone number" in said


@pytest.fixture
def aged(tmp_path: Path) -> Iterator[tuple[Path, datetime]]:
    """A lake with days from nine days ago to today, and other files in it; and now."""
    root = tmp_path / "lake"
    now = datetime.now(UTC).replace(microsecond=0)
    for age in (9, 8, 1, 0):
        at_ns = int((now - timedelta(days=age)).timestamp()) * 10**9
        rows = call(NUMBER, at_ns, f"c{age}")
        rows = [(t, t - at_ns, kind, raw) for t, _, kind, raw in rows]
        ingest([record(rows, tmp_path / f"{age}.parquet", started_ns=at_ns)], root)
    yield root, now


def test_a_single_session_is_removed_if_it_is_old(tmp_path: Path) -> None:
    """As a part of a folder is."""
    session = record(stretched("ivr_dtmf/all"), tmp_path / "s.parquet")

    assert run("retain", session, "--keep", "36500d")[0] == 0
    assert session.is_file()
    assert run("retain", session, "--keep", "1d")[0] == 0
    assert not session.exists()


@pytest.mark.parametrize("age", ["90", "3m", "30s", "0d", "x"])
def test_an_age_that_may_be_meant_otherwise_removes_nothing(age: str, tmp_path: Path) -> None:
    """Months may be meant by `3m`, and days by a number."""
    session = record(stretched("ivr_dtmf/all"), tmp_path / "s.parquet")

    assert run("retain", tmp_path, "--keep", age)[0] == 2
    assert session.is_file()


def test_old_days_are_removed_and_nothing_else(aged: tuple[Path, datetime]) -> None:
    """With their tables. Journals, foreign files, links and hidden files stay, and what is not a session is named."""
    root, now = aged
    oldest, second, *young = [part.path for part in list_parts(root)]
    folder = root / "tables" / "calls" / "server=one" / date_folder((now - timedelta(days=9)).date())
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"n": [1]}), folder / "kept.parquet")
    stay = [oldest.with_name(name) for name in ("notes.txt", ".hidden.parquet", "x.parquet.journal", "foreign.parquet")]
    for path in stay:
        path.write_bytes(b"mine")
    link = oldest.with_name("link.parquet")
    link.symlink_to(young[0])
    before = digests(root)

    code, said = run("retain", root, "--keep", "5d", "--dry-run")
    assert (code, digests(root)) == (3, before)
    assert said.count("would remove") == 3
    assert "3 files" in said

    code, said = run("retain", root, "--keep", "5d")
    assert code == 3
    assert "foreign.parquet stays" in said
    assert not any(path.exists() for path in (oldest, second, folder / "kept.parquet"))
    assert not second.parent.exists()
    assert all(path.exists() for path in (*young, *stay, link))


def test_a_recording_in_parts_by_its_last_rows(tmp_path: Path) -> None:
    """A part is old when its last row is; its folder goes with it, that of the journal stays."""
    folder = tmp_path / "pbx"
    old = record(call(NUMBER, BASE_NS, "a"), folder / "date=2026-11-23/090000-000000.parquet")
    young = record(
        [(t + DAY_NS, e + DAY_NS, kind, raw) for t, e, kind, raw in call(NUMBER, BASE_NS, "b")],
        folder / "date=2026-11-24/090000-000001.parquet",
    )
    journal = journal_path(folder / "date=2026-11-24/100000-000002.parquet")
    JournalWriter(journal, 0, {}).close()
    found = find_old_parts(folder, datetime(2026, 11, 24, tzinfo=UTC))

    assert [part.path for part in found] == [old]
    remove_parts(found, folder)
    assert (old.parent.exists(), young.exists(), journal.exists()) == (False, True, True)
