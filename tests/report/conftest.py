"""Stories of recorded and of made-up calls."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from arirecord.analytics import connect
from arirecord.report import call_data, search
from arirecord.report.build_story import story
from arirecord.report.story import Story
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.conftest import Sessions

from .frames import Row

Tell = Callable[..., Story]


class Connections(dict[str, duckdb.DuckDBPyConnection]):
    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self.sessions = sessions

    def __missing__(self, stream: str) -> duckdb.DuckDBPyConnection:
        self[stream] = connect(self.sessions[stream], models={*call_data.MODELS, *search.MODELS})
        return self[stream]


@pytest.fixture(scope="session")
def connections(sessions: Sessions) -> Connections:
    """`connections["ivr_dtmf/all"]` is a connection to that session with the models that a story is told from."""
    return Connections(sessions)


def recorded(rows: list[Row], target: Path) -> Path:
    """A session of rows made by `frames`."""
    writer = JournalWriter(journal_path(target), 0, {"verb": "import"})
    writer.write((ns, ns, kind, orjson.dumps(frame).decode()) for ns, kind, frame in rows)
    writer.close()
    seal(journal_path(target), target)
    return target


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    """`tell(rows, …)`: the story of the first call in rows made by `frames`."""

    def tell(rows: list[Row], **options: Any) -> Story:
        target = recorded(rows, tmp_path / "session.parquet")
        connection = connect(target, models={*call_data.MODELS, *search.MODELS})
        ((call_id,),) = connection.execute("SELECT call_id FROM calls ORDER BY first_seq LIMIT 1").fetchall()
        return story(connection, call_id, **options)

    return tell
