"""An app's own socket, or a tap, says of a call what a recording of all events says, or nothing."""

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from arirecord.analytics import connect
from tests.conftest import Sessions, scenarios, streams

pytestmark = pytest.mark.slow

PARTS = {
    **{name: None for name in streams() if name.endswith("/app") and name.replace("/app", "/all") in streams()},
    **{f"{name}/tap": path / "tap.parquet" for name, path in scenarios().items() if f"{name}/all" in streams()},
}
"""Recordings of an app's own socket and of a tap, the latter with their files."""
VIEWS = sorted(name for name, path in PARTS.items() if path is None or path.exists())
MODELS = ["calls", "transfers"]
CALLS = ["talk_s", "hold_s", "wait_s", "transfer_count", "caller_number", "called_number", "started_at", "billsec"]
TRANSFERS = [
    "outcome", "transferee_channel_id", "target_channel_id", "final_channel_id", "answered_at",
    *("transferer_number", "transferee_number", "final_number"),
]  # fmt: skip
BEFORE_EVENT = timedelta(milliseconds=5)
"""A channel's own creation time is up to 5 ms before its first event."""
OTHER_CALLS = {
    "attended_transfer/app": {"1795474806.112": "the second channel of a transfer of which the app received nothing"},
    "new_kinds/tap": {
        "1795970092.4458": "the app's request shows that a failed attempt belongs to this call",
        "1795970060.4436": "the app's request shows that a failed attempt belongs to this call",
        "1795970077.4443": "the app's request shows a hold, of which there is no event",
    },
}
"""Calls of which one of the two recordings shows more, with the reason."""


def rows(con: duckdb.DuckDBPyConnection, columns: list[str], query: str) -> dict[Any, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in con.execute(f"SELECT {query.format(', '.join(columns))}").fetchall()}


def same(part: Any, whole: Any) -> bool:
    if isinstance(part, datetime):
        return whole is not None and timedelta() <= whole - part <= BEFORE_EVENT
    if isinstance(part, float):
        return whole is not None and abs(part - whole) <= 2 * BEFORE_EVENT.total_seconds()
    return bool(part == whole)


@pytest.mark.parametrize("view", VIEWS)
def test_a_part_says_nothing_else(view: str, sessions: Sessions) -> None:
    """Parties, times and counts of calls and transfers are those of the whole recording, or NULL."""
    scenario, path = view.partition("/")[0], PARTS[view]
    part = connect(path or sessions[view], models=MODELS)
    whole = connect(sessions[f"{scenario}/all"], models=MODELS)
    call_of = dict(whole.execute("SELECT channel_id, call_id FROM int_call_channels").fetchall())
    wrong = []
    for columns, query, ids in (
        (CALLS, "call_id, {} FROM calls", call_of),
        (TRANSFERS, "(transferer_channel_id, kind, epoch_ms(transferred_at)), {} FROM transfers", {}),
    ):
        theirs = rows(whole, columns, query)
        for key, values in rows(part, columns, query).items():
            if key not in OTHER_CALLS.get(view, {}):
                known = zip(columns, values, theirs[ids.get(key, key)], strict=True)
                wrong += [(key, column, a, b) for column, a, b in known if a is not None and not same(a, b)]
    assert wrong == []
