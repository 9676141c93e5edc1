"""Connections to recorded sessions, one for each, made when first asked for."""

import duckdb
import pytest

from arirecord.analytics import connect
from tests.conftest import Sessions


class Connections(dict[str, duckdb.DuckDBPyConnection]):
    def __init__(self, sessions: Sessions) -> None:
        super().__init__()
        self.sessions = sessions

    def __missing__(self, stream: str) -> duckdb.DuckDBPyConnection:
        self[stream] = connect(self.sessions[stream])
        return self[stream]


@pytest.fixture(scope="session")
def connections(sessions: Sessions) -> Connections:
    """`connections["ivr_dtmf/all"]` is a connection to that session, with all models."""
    return Connections(sessions)
