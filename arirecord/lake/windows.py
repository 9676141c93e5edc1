"""Windows: the parts of one server that begin on one day, or on some days in a row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from arirecord.analytics.kept_tables import fingerprint
from arirecord.session.object_store import location
from arirecord.session.parts import Part, read_part
from arirecord.session.reader import SessionFile
from arirecord.session.recorded_time import Gap, RecordedTime
from arirecord.session.servers import Server
from arirecord.session.temporary_folder import plain_path

from .shard_session import ShardSession

__all__ = ["LakeWindow", "WindowPart", "gaps_of", "windows_of"]


@dataclass(frozen=True)
class WindowPart:
    """A Parquet file of a window.

    shift: what its `seq` is less than in the recording of its server.
    first_seq, last_seq: its rows in that recording.
    is_shared: it has events of other servers, too.
    fingerprint: a text that another content does not have.
    """

    path: str
    shift: int
    first_seq: int
    last_seq: int
    is_shared: bool
    fingerprint: str


@dataclass(frozen=True)
class LakeWindow:
    """The parts of a server that begin on some days: the events that one task reads as a whole.

    day: the first day, of UTC, by the time of receipt.
    """

    server: str | None
    day: date
    parts: tuple[WindowPart, ...]

    @property
    def first_seq(self) -> int:
        """The first `seq` of the window."""
        return self.parts[0].first_seq

    @property
    def last_seq(self) -> int:
        """The last `seq` of the window."""
        return max(part.last_seq for part in self.parts)

    def open(self, recorded: RecordedTime | None = None, guests: Part | None = None) -> tuple[ShardSession, Server]:
        """Open the window as a session, and its server in it.

        recorded: the recorded time of the server; None: that of the parts.
        guests: a further part, whose rows have the numbers of the server's recording.
        """
        parts = [*(read_part(location(part.path)) for part in self.parts), *([guests] if guests else [])]
        session = ShardSession(parts, [*(part.shift for part in self.parts), *([0] if guests else [])], recorded)
        shared = frozenset(number for number, part in enumerate(self.parts) if part.is_shared)
        return session, Server(self.server, range(len(parts)), shared)


def windows_of(session: SessionFile, server: Server, days: int = 1) -> Sequence[LakeWindow]:
    """Return the windows of a server, in order.

    days: the length of a window. Windows begin on days whose number since 1970 is a multiple of it.

    Parts of recordings that overlap are in one window: what two recorders received twice counts once there.
    """
    parts: dict[date, list[WindowPart]] = {}
    latest: dict[int, tuple[int, date]] = {}
    for number in server.parts:
        part, shift = session.parts[number], session.seq_shifts[number]
        if part.extent is None:
            continue
        begun = datetime.fromtimestamp(part.extent.begin_ns / 1e9, UTC).date()
        day = begun - timedelta(days=(begun - date(1970, 1, 1)).days % days)
        others = [last for started_ns, last in latest.items() if started_ns != part.extent.started_ns]
        day = min([day, *(window for end_ns, window in others if end_ns >= part.extent.begin_ns)])
        latest[part.extent.started_ns] = max((part.extent.end_ns, day), latest.get(part.extent.started_ns, (0, day)))
        first_seq, last_seq = part.extent.first_seq + shift, part.extent.last_seq + shift
        path, is_shared = plain_path(part.path), number in server.shared_parts
        parts.setdefault(day, []).append(WindowPart(path, shift, first_seq, last_seq, is_shared, fingerprint(part)))
    return [LakeWindow(server.name, day, tuple(parts[day])) for day in sorted(parts)]


def gaps_of(session: SessionFile, server: Server) -> Sequence[Gap]:
    """Return the gaps of a server, in order, with the `seq` that the view `recording_gaps` gives them."""
    return [
        gap._replace(part=0, seq=gap.seq + session.seq_shifts[gap.part] - gap.is_between)
        for gap in session.recorded_time_of(server).gaps
    ]


def fingerprints(parts: Collection[WindowPart]) -> Sequence[str]:
    """Return what identifies the content of parts and the order of their rows."""
    first = min((part.shift for part in parts), default=0)
    return [f"{part.fingerprint}+{part.shift - first}" for part in parts]
