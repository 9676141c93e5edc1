"""Statuses of `Dial` events (app_dial.c, dial.c), and the disposition of each (cdr.c)."""

from collections.abc import Mapping

__all__ = ["DISPOSITIONS", "PROGRESS_STATUSES", "RINGING_STATUSES", "disposition_of"]

RINGING_STATUSES = ("RINGING", "PROGRESS")
"""The called party rings, or sends audio before it answers."""

PROGRESS_STATUSES = (*RINGING_STATUSES, "PROCEEDING")
"""The attempt goes on. All other statuses end it."""

DISPOSITIONS: Mapping[str, str] = {
    "ANSWER": "ANSWERED",
    "BUSY": "BUSY",
    "CANCEL": "CANCEL",
    "CONGESTION": "CONGESTION",
    "NOANSWER": "NO ANSWER",
    # A CDR has FAILED for all others. The last five end a call that the called party screened.
    "CHANUNAVAIL": "FAILED",
    "FAILED": "FAILED",
    "INVALIDARGS": "FAILED",
    "ABORT": "FAILED",
    "CONTINUE": "FAILED",
    "DONTCALL": "FAILED",
    "GOTO": "FAILED",
    "TORTURE": "FAILED",
}
"""Dispositions by status. A CDR has NO ANSWER for CANCEL and, if so configured, FAILED for CONGESTION."""


def disposition_of(dial_status: str) -> str | None:
    """Return the disposition of a dial status; None for a status that Asterisk does not have.

    dial_status: `GOTO:` is followed by a place in the dialplan.
    """
    return DISPOSITIONS.get(dial_status.partition(":")[0])
