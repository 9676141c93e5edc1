"""What a person who stands beside the telephones would say of each kind of calls."""

from dataclasses import dataclass
from typing import Any

import duckdb

__all__ = ["FACTS", "Facts", "told"]

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Facts:
    """`calls`: disposition, caller, called, who ended it. `transfers`: kind, transferer, what became of it, whom it
    reached. `waits` in queues: queue, outcome, agent.
    """

    calls: list[Row]
    transfers: list[Row] | None = None
    waits: list[Row] | None = None


def told(connection: duckdb.DuckDBPyConnection, began: float, ended: float) -> Facts:
    """What the models say of the calls between two times (seconds since the epoch)."""

    def rows(query: str, time: str) -> list[Row]:
        between = f"WHERE epoch({time}) BETWEEN ? AND ? ORDER BY ALL"
        return connection.execute(f"{query} {between}", [began - 0.001, ended]).fetchall()

    return Facts(
        rows("SELECT disposition, caller_number, called_number, ended_by FROM calls", "started_at"),
        rows("SELECT kind, transferer_number, outcome, final_number FROM transfers", "transferred_at") or None,
        rows("SELECT queue, outcome, regexp_extract(reached_channel_name, '/(.*)-', 1) FROM queue_calls", "entered_at")
        or None,
    )


FACTS = {
    "clicked": Facts([("ANSWERED", "1001", "1002", "called")]),
    "clicked_and_refused": Facts([("BUSY", "1001", None, "called")]),
    "clicked_through_local": Facts([("ANSWERED", "1001", None, "called")]),
    "redirected": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "called_redirected": Facts([("ANSWERED", "1001", "1002", "called")]),
    "hung_up_by_console": Facts([("ANSWERED", "1001", "1002", "asterisk")]),
    "ring_group": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "ring_group_all_busy": Facts([("BUSY", "1001", "1002", "called")]),
    "ring_group_given_up": Facts([("CANCEL", "1001", "1002", "caller")]),
    "hunt": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "local": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "local_stays": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "local_busy": Facts([("BUSY", "1001", "1002", "called")]),
    "local_given_up": Facts([("CANCEL", "1001", "1002", "caller")]),
    "two_locals": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "limited": Facts([("ANSWERED", "1001", "1002", "asterisk")]),
    "goes_on_alone": Facts([("ANSWERED", "1001", "1002", "called")]),
    "screened_taken": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "screened_refused": Facts([("BUSY", "1001", "1002", "asterisk")]),
    "message_left": Facts([("ANSWERED", "1001", "1002", "asterisk")]),
    "early_media": Facts([("NO ANSWER", "1001", None, "asterisk")]),
    "page": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "music": Facts([("ANSWERED", "1001", None, "caller")]),
    "busy_app": Facts([("BUSY", "1001", None, "asterisk")]),
    "congestion_app": Facts([("CONGESTION", "1001", None, "asterisk")]),
    "busy_after_answer": Facts([("ANSWERED", "1001", None, "asterisk")]),
    "announced_to_called": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "called_goes_on": Facts([("ANSWERED", "1001", "1002", "called")]),
    "both_go_on": Facts([("NO ANSWER", "1001", "1002", "asterisk")]),
    "nobody_there": Facts([("FAILED", "1001", None, "asterisk")]),
    "not_in_dialplan": Facts([]),
    "forwarded": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "forwarded_to_busy": Facts([("BUSY", "1001", "1002", "called")]),
    "sent_elsewhere": Facts([("NO ANSWER", "1001", None, "asterisk")]),
    "originated_by_dialplan": Facts([("ANSWERED", "1001", None, "asterisk"), ("ANSWERED", "1002", "1003", "called")]),
    "recorded": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "forked_cdr": Facts([("ANSWERED", "1001", None, "asterisk")]),
    "pre_dial": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "hung_up_by_key": Facts([("ANSWERED", "1001", "1002", "asterisk")]),
    "local_behind_local": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "music_instead_of_ringing": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "progress": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "picked_up_by_channel": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "picked_up_by_extension": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "taken_over": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "listened_to": Facts([("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1003", None, "caller")]),
    "waiting_room": Facts([("ANSWERED", "1001", None, "caller")], waits=[("room", "abandoned", None)]),
    "waited_too_long": Facts([("ANSWERED", "1001", None, "asterisk")], waits=[("room", "left", None)]),
    "taken_from_waiting_room": Facts([("ANSWERED", "1001", None, "caller")], waits=[("room", "answered", "1003")]),
    "conference": Facts(
        [
            ("ANSWERED", "1001", None, "caller"),
            ("ANSWERED", "1002", None, "caller"),
            ("ANSWERED", "1003", None, "caller"),
        ]
    ),
    "picked_up_from_group": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "held_by_both": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "held_and_hung_up": Facts([("ANSWERED", "1001", "1002", "called")]),
    "call_waiting": Facts([("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1003", "1002", "caller")]),
    "queue_ringall": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("all", "answered", "1003")]),
    "queue_agent_hangs_up": Facts([("ANSWERED", "1001", "1003", "called")], waits=[("all", "answered", "1003")]),
    "queue_second_in_line": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("line", "answered", "1003")]),
    "queue_busy_agents": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("all", "answered", "1003")]),
    "queue_abandoned": Facts([("CANCEL", "1001", "1003", "caller")], waits=[("all", "abandoned", None)]),
    "queue_timeout": Facts([("ANSWERED", "1001", "1002", "asterisk")], waits=[("line", "timeout", None)]),
    "queue_local_members": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("local", "answered", "1003")]),
    "queue_empty": Facts([("ANSWERED", "1001", None, "asterisk")], waits=[("nobody", "joinempty", None)]),
    "queue_transferred_by_agent": Facts(
        [("ANSWERED", "1001", "1003", "caller")],
        transfers=[("blind", "1003", "answered", "1004")],
        waits=[("all", "answered", "1003")],
    ),
    "agent_requested": Facts([("ANSWERED", "1002", None, "caller")]),
    "parked_and_taken": Facts(
        [("ANSWERED", "1001", "1002", "caller")],
        transfers=[("blind", "1002", "answered", "1003")],
        waits=[("default", "answered", "1003")],
    ),
    "parked_by_key_and_given_up": Facts(
        [("ANSWERED", "1001", "1002", "caller")], waits=[("default", "abandoned", None)]
    ),
    "parked_and_back": Facts([("ANSWERED", "1001", "1002", "caller")], waits=[("default", "timeout", None)]),
    "queue_left_by_key": Facts([("ANSWERED", "1001", "1002", "asterisk")], waits=[("key", "left", None)]),
    "queue_full": Facts(
        [("ANSWERED", "1003", None, "asterisk"), ("CANCEL", "1001", "1002", "caller")],
        waits=[("small", "abandoned", None), ("small", "full", None)],
    ),
    "queue_tried_once": Facts([("ANSWERED", "1001", "1002", "asterisk")], waits=[("line", "timeout", None)]),
    "queue_agent_hears_first": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("all", "answered", "1003")]),
    "queue_ringing": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("all", "answered", "1003")]),
    "two_queues": Facts(
        [("ANSWERED", "1001", "1003", "caller")], waits=[("all", "answered", "1003"), ("line", "timeout", None)]
    ),
    "blind_by_caller": Facts(
        [("ANSWERED", "1001", "1002", "called")], transfers=[("blind", "1001", "answered", "1003")]
    ),
    "blind_to_nowhere": Facts([("ANSWERED", "1001", "1002", "called")]),
    "blind_to_music": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "application", None)]
    ),
    "blind_twice": Facts(
        [("ANSWERED", "1001", "1002", "caller")],
        transfers=[("blind", "1002", "answered", "1003"), ("blind", "1003", "answered", "1004")],
    ),
    "attended_while_ringing": Facts(
        [("ANSWERED", "1001", "1002", "caller"), ("CANCEL", "1002", "1003", "caller")],
        transfers=[("blind", "1002", "answered", "1003")],
    ),
    "attended_by_caller": Facts(
        [("ANSWERED", "1001", "1002", "called")], transfers=[("attended", "1001", "answered", "1003")]
    ),
    "attended_to_music": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "application", None)]
    ),
    "keys_attended": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "answered", "1003")]
    ),
    "keys_attended_while_ringing": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "answered", "1003")]
    ),
    "keys_attended_aborted": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "keys_attended_refused": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "keys_attended_target_hangs_up": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "keys_threeway": Facts(
        [("ANSWERED", "1001", "1002", "called")], transfers=[("attended", "1002", "answered", "1003")]
    ),
    "keys_swapped": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "answered", "1003")]
    ),
    "caller_gives_up_amid_consultation": Facts([("ANSWERED", "1001", "1002", "called")]),
    "blind_to_queue": Facts(
        [("ANSWERED", "1001", "1004", "caller")],
        transfers=[("blind", "1004", "answered", "1003")],
        waits=[("all", "answered", "1003")],
    ),
    "blind_to_conference": Facts(
        [("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1003", None, "caller")],
        transfers=[("blind", "1002", "answered", "1003")],
    ),
    "attended_to_conference": Facts(
        [("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1003", None, "caller")],
        transfers=[("attended", "1002", "answered", "1003")],
    ),
    "attended_by_both": Facts(
        [("ANSWERED", "1001", "1002", "caller")],
        transfers=[("attended", "1002", "answered", "1003"), ("attended", "1003", "answered", "1004")],
    ),
    "blind_behind_local": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "answered", "1003")]
    ),
    "blind_behind_local_that_stays": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "answered", "1003")]
    ),
    "attended_behind_locals": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "answered", "1003")]
    ),
    "attended_behind_locals_that_stay": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "answered", "1003")]
    ),
    "blind_to_local": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "answered", "1003")]
    ),
    "blind_to_forwarded": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "answered", "1004")]
    ),
    "blind_to_oneself": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "returned", "1002")]
    ),
    "blind_picked_up": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("blind", "1002", "answered", "1004")]
    ),
    "picked_up_and_passed_on": Facts(
        [("ANSWERED", "1001", "1003", "caller")], transfers=[("blind", "1003", "answered", "1004")]
    ),
    "attended_to_forwarded": Facts(
        [("ANSWERED", "1001", "1002", "caller")], transfers=[("attended", "1002", "answered", "1004")]
    ),
    "attended_to_queue": Facts(
        [("ANSWERED", "1001", "1004", "caller")],
        transfers=[("attended", "1004", "answered", "1003")],
        waits=[("all", "answered", "1003")],
    ),
    "attended_to_queue_that_rings": Facts(
        [("ANSWERED", "1001", "1004", "caller")],
        transfers=[("attended", "1004", "answered", "1002")],
        waits=[("key", "answered", "1002"), ("key", "left", None)],
    ),
    "queue_joined_by_agent": Facts(
        [("ANSWERED", "1001", "1003", "caller")],
        transfers=[("attended", "1003", "answered", "1004")],
        waits=[("all", "answered", "1003")],
    ),
    "queue_passed_to_queue": Facts(
        [("ANSWERED", "1001", "1003", "caller")],
        transfers=[("blind", "1003", "answered", "1002")],
        waits=[("all", "answered", "1003"), ("line", "answered", "1002")],
    ),
    "queue_ring_group": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("group", "answered", "1003")]),
    "queue_agent_forwards": Facts([("ANSWERED", "1001", "1004", "caller")], waits=[("all", "answered", "1004")]),
    "queue_picked_up": Facts([("ANSWERED", "1001", "1003", "caller")], waits=[("all", "answered", "1004")]),
    "queue_parked_by_agent": Facts(
        [("ANSWERED", "1001", "1003", "caller")],
        transfers=[("blind", "1003", "answered", "1004")],
        waits=[("all", "answered", "1003"), ("default", "answered", "1004")],
    ),
    "parked_and_passed_on": Facts(
        [("ANSWERED", "1001", "1002", "caller")],
        transfers=[("blind", "1002", "answered", "1003"), ("blind", "1003", "answered", "1004")],
        waits=[("default", "answered", "1003")],
    ),
    "attended_to_parking": Facts(
        [("ANSWERED", "1001", "1002", "caller")],
        transfers=[("attended", "1002", "answered", "1003")],
        waits=[("default", "answered", "1003")],
    ),
    "keys_blind_by_caller": Facts(
        [("ANSWERED", "1001", "1002", "called")], transfers=[("blind", "1001", "answered", "1003")]
    ),
    "keys_attended_by_caller": Facts(
        [("ANSWERED", "1001", "1002", "called")], transfers=[("attended", "1001", "answered", "1003")]
    ),
    "keys_then_blind": Facts(
        [("ANSWERED", "1001", "1002", "caller")],
        transfers=[("attended", "1002", "answered", "1003"), ("blind", "1003", "answered", "1004")],
    ),
    "transferee_hangs_up_amid_consultation": Facts(
        [("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1002", "1003", "caller")]
    ),
    "third_comes_in": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "clicked_behind_local": Facts([("ANSWERED", "1001", "1002", "called")]),
    "dialled_again": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "forwarded_twice": Facts([("ANSWERED", "1001", "1004", "caller")]),
    "dialled_by_subroutine": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "mixed_group_local_answers": Facts([("ANSWERED", "1001", "1003", "caller")]),
    "mixed_group_phone_answers": Facts([("ANSWERED", "1001", "1002", "caller")]),
    "mixed_group_all_busy": Facts([("BUSY", "1001", "1002", "called")]),
    "queued_after_dial": Facts([("ANSWERED", "1001", "1002", "caller")], waits=[("line", "answered", "1002")]),
    "carried": Facts([("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1001", "1002", "caller")]),
    "carried_to_busy": Facts([("BUSY", "1001", "1002", "called"), ("BUSY", "1001", "1002", "called")]),
    "carrier_transfers": Facts(
        [("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1001", "1002", "caller")],
        transfers=[("blind", "1002", "answered", "1003")],
    ),
    "attended_through_carrier": Facts(
        [
            ("ANSWERED", "1001", "1002", "caller"),
            ("ANSWERED", "1001", "1002", "caller"),
            ("ANSWERED", "1002", "1003", "caller"),
        ],
        transfers=[("attended", "1002", "answered", "1003")],
    ),
    "carried_by_iax": Facts([("ANSWERED", "1001", "1002", "caller"), ("ANSWERED", "1001", "2621002", "caller")]),
    "carried_by_iax_and_called_hangs_up": Facts(
        [("ANSWERED", "1001", "1002", "called"), ("ANSWERED", "1001", "2621002", "called")]
    ),
    "carried_by_iax_to_busy": Facts([("BUSY", "1001", "1002", "called"), ("BUSY", "1001", "2621002", "called")]),
    "carried_by_iax_given_up": Facts([("CANCEL", "1001", "1002", "caller"), ("CANCEL", "1001", "2621002", "caller")]),
}
"""Of kinds that always go the same way."""
