"""A lake read by ClickHouse, by the package chdb."""

import json
import os
import re
from pathlib import Path

import pytest

from arirecord.analytics import connect
from arirecord.lake.ingest import ingest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.skipif("ARIRECORD_TEST_SPARK" not in os.environ, reason="runs ClickHouse: make test-spark"),
]

ROOT = Path(__file__).parents[2]


def test_the_statement_of_the_docs(tmp_path: Path) -> None:
    """ClickHouse counts as one connection does, with no options and with plain names of servers."""
    import chdb

    ingest([ROOT / "sample_data" / "week", ROOT / "sample_data" / "voice_agent.parquet"], tmp_path)
    statement = re.search(r"SELECT decodeURLComponent.*?(?=;)", (ROOT / "docs" / "lake.md").read_text(), re.DOTALL)
    assert statement
    rows = chdb.query(statement[0].replace("/srv/lake", str(tmp_path)), "JSONCompactEachRow").data().splitlines()

    expected = "SELECT asterisk_id, received_at::DATE::VARCHAR, count(*) FROM ChannelCreated GROUP BY ALL"
    counts = sorted(map(list, connect(tmp_path).execute(expected).fetchall()))
    assert len(counts) > 1
    assert sorted(map(json.loads, rows)) == counts
