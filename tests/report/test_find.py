"""Which calls are meant."""

from pathlib import Path

import duckdb
import pytest

from arirecord.analytics import connect
from arirecord.report import call_data, search
from arirecord.report.build_story import tell
from arirecord.report.call_data import read_facts_of
from arirecord.report.linter_rules import PROBLEMS, RULES
from arirecord.report.search import all_calls, calls_of_row, find_calls, worst_calls

from .conftest import Connections

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"
SAMPLES = [*sorted(SAMPLE_DATA.glob("*.parquet")), SAMPLE_DATA / "week"]


@pytest.fixture(scope="session")
def transfers(connections: Connections) -> duckdb.DuckDBPyConnection:
    """Blind transfers, one of them to nowhere."""
    return connections["blind_transfer/all"]


def test_by_id_and_channel(transfers: duckdb.DuckDBPyConnection) -> None:
    """The call's id, a channel's id, a channel's name: all mean the same call."""
    for wanted in ("1795474753.78", "1795474753.79", "PJSIP/u1003-00000046"):
        assert [call.call_id for call in find_calls(transfers, wanted)] == ["1795474753.78"]


def test_by_number(transfers: duckdb.DuckDBPyConnection) -> None:
    """All calls in which the number calls, is called or dialled."""
    found = find_calls(transfers, "1003")

    assert len(found) > 3
    assert [call.started_at for call in found] == sorted(call.started_at for call in found if call.started_at)
    assert find_calls(transfers, "00301003") == []
    assert find_calls(transfers, "") == find_calls(transfers, "nobody") == []


@pytest.mark.parametrize("wanted", ["+420 123 456-789", "00420123456789", "420123456789", "*123456789"])
def test_a_number_is_known_however_it_is_written(wanted: str, connections: Connections) -> None:
    """With + or 00, with signs between the digits, as the end of a number."""
    found = find_calls(connections["userevents_textmessage/all"], wanted)

    assert [call.call_id for call in found] == ["1795474964.205"]


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_worst_calls_are_those_with_an_error_or_a_warning(sample: Path) -> None:
    """Each listed call has such a finding in its story, whose text is the reason; each other call has none."""
    connection = connect(sample, models={*call_data.MODELS, *search.MODELS})
    why = {call.call_id: call.problem for call in worst_calls(connection)}
    ids = [call.call_id for call in all_calls(connection)]

    for told in map(tell, read_facts_of(connection, ids)):
        grave = {f"{finding.rule}: {finding.text}" for finding in told.findings if finding.severity in PROBLEMS}
        assert (why.pop(told.call_id) in grave) if told.call_id in why else not grave
    assert not why


@pytest.mark.slow
def test_the_beginning_of_the_list_shows_what_there_is() -> None:
    """The first call of each rule comes before the second of any; `rules` keeps only the calls that one finds."""
    connection = connect(SAMPLE_DATA / "peak_load.parquet", models={*call_data.MODELS, *search.MODELS})
    rules = [call.problem.partition(":")[0] for call in worst_calls(connection)]
    kinds = len(set(rules))

    assert len(set(rules[:kinds])) == kinds > 3
    assert rules[:kinds] == sorted(rules[:kinds], key=RULES.index)
    assert worst_calls(connection, 3) == worst_calls(connection)[:3]
    failed = worst_calls(connection, rules=["transfer-failed", "transfer-in-vain"])
    assert {call.problem.partition(":")[0] for call in failed} == {"transfer-failed", "transfer-in-vain"}
    with pytest.raises(ValueError, match="transfer-failed, transfer-in-vain"):
        worst_calls(connection, 3, ["beauty"])


@pytest.mark.slow
def test_a_transfer_that_reached_nobody_is_among_the_worst() -> None:
    """Also where Asterisk says Success; that somebody was on hold is not a problem."""
    connection = connect(SAMPLE_DATA / "peak_load.parquet", models={*call_data.MODELS, *search.MODELS})
    in_vain = "SELECT call_id FROM transfers WHERE result = 'Success' AND outcome IN ('abandoned', 'busy', 'no answer')"
    why = {call.call_id: call.problem for call in worst_calls(connection)}
    abandoned = connection.execute(in_vain).fetchall()

    assert abandoned
    assert all(why[call_id].startswith("transfer-in-vain: ") for (call_id,) in abandoned)
    assert not [reason for reason in why.values() if "held for" in reason]


def test_a_row_leads_to_its_call(transfers: duckdb.DuckDBPyConnection) -> None:
    """By a channel, a bridge or a playback that the row names; a row that the recording lacks is an error."""
    rows = transfers.execute(
        "SELECT seq, call_id FROM channel_events JOIN legs USING (channel_id) USING SAMPLE reservoir(20 ROWS) "
        "REPEATABLE (1) ORDER BY seq"
    ).fetchall()
    created = transfers.execute("SELECT min(seq), max(seq) FROM BridgeDestroyed").fetchone() or ()

    assert all(call_id in {call.call_id for call in calls_of_row(transfers, seq)} for seq, call_id in rows)
    assert all(calls_of_row(transfers, seq) for seq in created)
    with pytest.raises(LookupError, match="no row 1000000"):
        calls_of_row(transfers, 1_000_000)


def test_all(transfers: duckdb.DuckDBPyConnection) -> None:
    """As many as there are."""
    assert len(all_calls(transfers)) == (transfers.execute("SELECT count(*) FROM calls").fetchone() or ())[0]
