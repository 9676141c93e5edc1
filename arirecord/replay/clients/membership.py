"""What a recording tells of Stasis applications besides the names on its frames: who is in which, found in columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.errors import NotASession
from arirecord.replay.options import ReplayError
from arirecord.session.reader import Part, SessionFile
from arirecord.session.row_groups import grouped_batches, opened

__all__ = ["Membership", "read_known"]

_PLACE = ("channel_dialplan_app_name", "channel_dialplan_app_data")
_BATCH = 1 << 16


@dataclass
class Membership:
    """`originated` has, for each application that a channel was in, the ids of those channels that an app originated.

    An application without any has an empty set.
    """

    originated: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_known(session: SessionFile) -> Membership:
    """Read the columns that tell which channels were in which application.

    Raises `ReplayError` where the session can't be read.
    """
    inside: dict[str, set[str]] = {}
    outgoing: set[str] = set()
    try:
        for part in session.parts:
            _read(part, inside, outgoing)
    except (NotASession, OSError) as error:
        raise ReplayError(f"the session can't be read: {error}") from error
    return Membership({application: frozenset(ids & outgoing) for application, ids in inside.items()})


def _read(part: Part, inside: dict[str, set[str]], outgoing: set[str]) -> None:
    if not {*_PLACE, "channel_id"} <= set(part.schema.names):
        return
    with opened(part.path) as file:
        for batch in grouped_batches(file, _BATCH, ["type", "application", "channel_id", *_PLACE]):
            name, data = (batch[column] for column in _PLACE)
            # What an app originates is in the dialplan application AppDial2 until it is answered.
            outgoing.update(batch.filter(pc.equal(name, "AppDial2"))["channel_id"].drop_null().unique().to_pylist())
            there = pa.table({"data": data, "id": batch["channel_id"]}).filter(pc.equal(name, "Stasis"))
            for row in there.group_by(["data", "id"]).aggregate([]).to_pylist():
                inside.setdefault((row["data"] or "").partition(",")[0], set()).add(row["id"])
            started = batch.filter(pc.equal(batch["type"], "StasisStart"))
            for row in started.select(["application", "channel_id"]).to_pylist():
                inside.setdefault(row["application"] or "", set()).add(row["channel_id"])
