"""Diff: what differs between the calls of two sessions, and nothing else."""

import json
from pathlib import Path

import pytest

from arirecord.errors import UnknownName
from arirecord.session.reader import open_session
from arirecord.transform.diff import compare_sessions
from arirecord.transform.filter import Selection, filter_session
from tests.conftest import Sessions

from .support import frames_of, write

pytestmark = pytest.mark.slow


def differences(a: Path, b: Path, *ignore: str) -> list[tuple[str, ...]]:
    with compare_sessions(open_session(a), open_session(b), ignore=ignore) as found:
        rows: list[tuple[str, ...]] = found.rows.fetchall()
    return rows


def test_a_session_is_as_itself(sessions: Sessions) -> None:
    """No difference, and the number of calls is told."""
    session = open_session(sessions["attended_transfer/all"])
    with compare_sessions(session, session) as found:
        assert found.rows.fetchall() == []
        assert found.call_count > 5


def test_a_call_that_lacks(sessions: Sessions, tmp_path: Path) -> None:
    """Is only in one; the totals say so too."""
    source = sessions["answered_bridge_talk/all"]
    middle = open_session(source).header.started_ns + open_session(source).header.duration_ns // 2
    filter_session(open_session(source), Selection(until_ns=middle), tmp_path / "half.parquet")
    found = differences(source, tmp_path / "half.parquet")

    assert sum(row[0] == "only in A" for row in found) > 0
    assert not [row for row in found if row[0] == "only in B"]
    assert any(row[0] == "total" and row[1] == "calls" and row[4] == "rows" for row in found)


def test_what_differs_in_a_call(tmp_path: Path) -> None:
    """Named column by column, with both values; calls of other ids are matched by who called whom."""
    frames = frames_of("busy_noanswer_cancel/app")
    before = write(tmp_path / "before.parquet", frames)
    other = [frame.replace("User 1001", "Somebody").replace("17954747", "b17954747") for frame in frames]
    after = write(tmp_path / "after.parquet", other)
    found = differences(before, after)

    names = [row for row in found if row[4] == "caller_name"]
    assert names and all(row[0] == "differs" and row[5:] == ("User 1001", "Somebody") for row in names)
    assert all(row[2] != row[3] for row in names)
    assert not [row for row in found if row[0].startswith("only")]
    assert not [row for row in differences(before, after, "caller_name") if row[4] == "caller_name"]
    assert json.dumps(found)
    with pytest.raises(UnknownName, match=r"no column 'caller_nam'\. Did you mean 'caller_name'"):
        differences(before, after, "caller_nam")


def of_server(frames: list[str], server: str) -> list[str]:
    return [frame.replace("02:fc:00:00:00:01", server) for frame in frames]


def test_equal_ids_of_two_servers(tmp_path: Path) -> None:
    """A call is compared with the call of its own server; names of calls have the server where there are several."""
    frames = frames_of("busy_noanswer_cancel/app")
    servers = [of_server(frames, name) for name in ("one", "two")]
    renamed = [frame.replace("User 1001", "Somebody") for frame in servers[1]]
    before = write(tmp_path / "before.parquet", servers[0] + servers[1])
    after = write(tmp_path / "after.parquet", renamed + servers[0])
    names = [row for row in differences(before, after) if row[0] != "total"]

    assert names and all(row[2] == row[3] and row[2].endswith(" on two") for row in names)
    assert {row[4:] for row in names} == {("caller_name", "User 1001", "Somebody")}


def test_a_server_with_another_name(tmp_path: Path) -> None:
    """Calls whose id is there once match, whatever the server is called."""
    frames = frames_of("busy_noanswer_cancel/app")
    before, after = (write(tmp_path / f"{name}.parquet", of_server(frames, name)) for name in ("one", "two"))
    assert {row[4:] for row in differences(before, after) if row[0] != "total"} == {("server", "one", "two")}
