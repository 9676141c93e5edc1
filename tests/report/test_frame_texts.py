"""A compact session shows the same ladders: its frames are made of their columns again."""

from pathlib import Path

import pytest

import arirecord
from arirecord.report.call_rows import frame_texts
from arirecord.session.compact import compact

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(params=["talk_and_hold.parquet", "tapped_menu.parquet", "transfers.parquet", "week"], scope="module")
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[arirecord.Session, arirecord.Session]:
    """A session, and the same as a compact one."""
    session, target = arirecord.open_session(SAMPLES / request.param), tmp_path_factory.mktemp("compact") / "session"
    compact(session, target)
    return session, arirecord.open_session(target)


@pytest.mark.slow
def test_texts_are_the_same(both: tuple[arirecord.Session, arirecord.Session]) -> None:
    """Each frame that a compact session has no text of gets the text that Asterisk sent, byte for byte; others none."""
    session, small = both
    sent = dict(session.sql("SELECT seq, raw FROM rows").rows())

    made = frame_texts(small.connection, sorted(sent))

    assert len(made) == small.sql("SELECT count(*) FROM rows WHERE raw IS NULL").item() > 100
    assert {seq: text for seq, text in made.items() if sent[seq] != text} == {}
    assert frame_texts(session.connection, range(10)) == {}


@pytest.mark.slow
def test_ladders_are_the_same(both: tuple[arirecord.Session, arirecord.Session]) -> None:
    session, small = both
    for call_id in session.calls()["call_id"][:3]:
        assert small.call(call_id).text() == session.call(call_id).text()
