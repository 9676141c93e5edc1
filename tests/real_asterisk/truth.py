"""What every recording must share with the channel event log (CEL) and the call detail records (CDR) of its time."""

from collections import defaultdict
from datetime import datetime

from .recording import Recorded, at, is_close
from .switch import Row

__all__ = ["HIDDEN", "check", "check_bridges", "check_channels", "check_digits", "check_lengths", "check_transfers"]

HIDDEN = ("Announcer/", "Recorder/", "CBAnn/", "CBRec/")
"""Channels of Asterisk's own that ARI does not show."""


def check(recorded: Recorded) -> None:
    """Assert that channels, bridges, transfers, digits and dispositions are those that Asterisk logged, no more, no
    fewer.
    """
    assert recorded.exit_code == 0, recorded.said
    header = recorded.session.header
    assert (header.ended, header.gap_count, header.lost_count) == ("complete", 0, 0)
    check_channels(recorded)
    check_bridges(recorded)
    check_transfers(recorded)
    check_digits(recorded)
    _check_dispositions(recorded)
    check_lengths(recorded)


def _logged(recorded: Recorded, *types: str) -> list[Row]:
    return [row for row in recorded.logged(*types) if not row["channame"].startswith(HIDDEN)]


def check_channels(recorded: Recorded) -> None:
    for event_type, logged_as, column in (
        ("ChannelCreated", "CHAN_START", "created_at"),
        ("ChannelStateChange", "ANSWER", "answered_at"),
        ("ChannelDestroyed", "CHAN_END", "ended_at"),
    ):
        theirs: dict[str, datetime] = {}
        for row in _logged(recorded, logged_as):
            theirs.setdefault(row["uniqueid"], at(row))
        state = "WHERE channel_state = 'Up'" if event_type == "ChannelStateChange" else ""
        events = dict(
            recorded.sql(f'SELECT channel_id, min("timestamp") FROM {event_type} {state} GROUP BY channel_id')
        )
        model = dict(recorded.sql(f"SELECT channel_id, {column} FROM channels WHERE {column} IS NOT NULL"))
        for ours in (events, model):
            assert ours.keys() == theirs.keys(), event_type
            assert {i: (ours[i], t) for i, t in theirs.items() if not is_close(ours[i], t)} == {}, event_type


def check_bridges(recorded: Recorded) -> None:
    for event_type, logged_as in (("ChannelEnteredBridge", "BRIDGE_ENTER"), ("ChannelLeftBridge", "BRIDGE_EXIT")):
        ours = recorded.sql(f'SELECT channel_id, bridge_id, "timestamp" FROM {event_type} ORDER BY ALL')
        theirs = sorted(
            (row["uniqueid"], row["eventextra"]["bridge_id"], at(row)) for row in _logged(recorded, logged_as)
        )
        assert [row[:2] for row in ours] == [row[:2] for row in theirs], event_type
        assert [(o, t) for o, t in zip(ours, theirs, strict=True) if not is_close(o[2], t[2])] == [], event_type


def check_transfers(recorded: Recorded) -> None:
    ours = recorded.sql(
        "SELECT kind, transferer_channel_id FROM transfers WHERE NOT is_inferred "
        "AND destination_type <> 'refer' ORDER BY seq"
    )
    theirs = [
        (row["eventtype"].removesuffix("TRANSFER").lower(), row["uniqueid"])
        for row in _logged(recorded, "BLINDTRANSFER", "ATTENDEDTRANSFER")
    ]
    assert ours == theirs


def check_digits(recorded: Recorded) -> None:
    ours = dict(
        recorded.sql("SELECT channel_id, string_agg(digits, '' ORDER BY first_seq) FROM dtmf GROUP BY channel_id")
    )
    theirs: dict[str, str] = defaultdict(str)
    for row in _logged(recorded, "DTMF"):
        theirs[row["uniqueid"]] += row["eventextra"]["digit"]
    assert [(i, ours.get(i), theirs.get(i)) for i in ours.keys() | theirs.keys() if ours.get(i) != theirs.get(i)] == []


def _check_dispositions(recorded: Recorded) -> None:
    theirs = defaultdict(set)
    for row in recorded.cdr:
        theirs[row["uniqueid"]].add(row["disposition"])
    ours = recorded.sql("SELECT first_channel_id, disposition FROM calls")
    assert ours
    assert [(i, d, theirs[i]) for i, d in ours if d not in theirs[i]] == []


def check_lengths(recorded: Recorded) -> None:
    """A call with one CDR and no transfer lasts as long as it, but for what is cut off below the millisecond.

    Not in a conference: the CDR of who comes second ends a millisecond after it began.
    """
    rows = defaultdict(list)
    call_of = dict(recorded.sql("SELECT channel_id, call_id FROM legs"))
    for row in recorded.cdr:
        rows[call_of.get(row["uniqueid"])].append(row)
    whole = recorded.sql(
        "SELECT call_id, duration_s FROM calls WHERE transfer_count = 0 AND first_channel_id NOT IN "
        "(SELECT transferer_second_channel_id FROM transfers WHERE transferer_second_channel_id IS NOT NULL)"
    )
    for call_id, duration_s in whole:
        if len(rows[call_id]) == 1 and rows[call_id][0]["lastapp"] != "ConfBridge":
            [row] = rows[call_id]
            assert abs(duration_s - (float(row["end"]) - float(row["start"]))) < 0.1, call_id
