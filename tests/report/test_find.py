"""Which calls are meant."""

import duckdb
import pytest

from arirecord.report.find import WORST_BY, all_calls, find_calls, worst_calls

from .conftest import Connections


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


@pytest.mark.parametrize("wanted", ["+420 123 456-789", "00420123456789", "420123456789", "123456789"])
def test_a_number_is_known_however_it_is_written(wanted: str, connections: Connections) -> None:
    """With + or 00, with signs between the digits, without the country."""
    found = find_calls(connections["userevents_textmessage/all"], wanted)

    assert [call.call_id for call in found] == ["1795474964.205"]


def test_the_worst(connections: Connections) -> None:
    """Each kind in turn, each call once, with the reason."""
    connection = connections["attended_transfer/all"]
    held = worst_calls(connection, 3, ["hold"])
    every = worst_calls(connection, 50)

    assert held[0].why.startswith("held for ")
    assert len(held) == 3
    assert len({call.call_id for call in every}) == len(every) > 3
    with pytest.raises(ValueError, match="transfer, cause, hold"):
        worst_calls(connection, 3, ["beauty"])


def test_a_transfer_to_nowhere_is_among_the_worst(transfers: duckdb.DuckDBPyConnection) -> None:
    """As the first, where there is one."""
    failed = worst_calls(transfers, 5, ["transfer"])
    (count,) = (
        transfers.execute("SELECT count(DISTINCT call_id) FROM transfers WHERE result <> 'Success'").fetchone() or ()
    )

    assert len(failed) == count
    assert all(call.why.startswith("transfer failed: ") for call in failed)
    assert WORST_BY[0] == "transfer"


def test_all(transfers: duckdb.DuckDBPyConnection) -> None:
    """As many as there are."""
    assert len(all_calls(transfers)) == (transfers.execute("SELECT count(*) FROM calls").fetchone() or ())[0]
