"""Several paths and patterns as one session."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

import arirecord
from arirecord.session.reader import open_session
from arirecord.transform.filter import Selection, filter_session
from tests.cli.conftest import SAMPLES
from tests.conftest import Sessions

NAMES = ("ivr_dtmf", "transfers")


def test_several_paths_are_one_session() -> None:
    """In order of time, whatever their order; each file once."""
    paths = [SAMPLES / f"{name}.parquet" for name in NAMES]
    ways: list[Sequence[str | Path]] = [
        paths,
        [*reversed(paths), paths[0]],
        [SAMPLES / "[it][rv]*.parquet"],
        [str(path) for path in paths],
    ]
    opened = [open_session(way) for way in ways]

    assert {tuple(session.paths) for session in opened[:3]} == {tuple(opened[0].paths)}
    assert [session.header.events for session in opened] == [sum(open_session(p).header.events for p in paths)] * 4
    assert opened[0].path == SAMPLES
    assert opened[0].inputs == paths
    with arirecord.connect(paths, models=["calls"]) as db:
        assert db.sql("SELECT count(*) FROM calls").fetchall() == [(len(arirecord.open_session(paths).calls()),)]


def test_a_name_that_exists_is_not_a_pattern(tmp_path: Path, sessions: Sessions) -> None:
    """Brackets and stars in the name of a file are only a name."""
    odd = tmp_path / "call[1]*.parquet"
    os.link(sessions["ivr_dtmf/all"], odd)
    os.link(sessions["ivr_dtmf/all"], tmp_path / "call1x.parquet")

    assert open_session(odd).paths == [odd]
    assert open_session(tmp_path / "call*x.parquet").paths == [tmp_path / "call1x.parquet"]
    assert open_session(tmp_path / "**" / "*1x.parquet").paths == [tmp_path / "call1x.parquet"]


def test_a_pattern_without_a_match_is_an_error(tmp_path: Path) -> None:
    """The message names the pattern."""
    with pytest.raises(FileNotFoundError, match=r"no file matches .*x\*\.parquet"):
        open_session(tmp_path / "x*.parquet")


def test_none_of_several_inputs_is_replaced(tmp_path: Path, sessions: Sessions) -> None:
    """An output that is one of the inputs is refused, also with force."""
    copies = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for copy, name in zip(copies, ("ivr_dtmf/all", "hold_unhold/all"), strict=True):
        copy.write_bytes(sessions[name].read_bytes())
    with pytest.raises(arirecord.TargetExists, match="is an input"):
        filter_session(open_session(copies), Selection(types=("Dial",)), copies[1], force=True)
