"""What a replay can be told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from arirecord.errors import ReplayError
from arirecord.select.times import Position
from arirecord.session.reader import Frame

from .timing.call_filter import CallFrames
from .timing.chaos import Fault

__all__ = ["AtEnd", "OnReconnect", "Pace", "ReplayError", "ReplayOptions"]

AtEnd = Literal["hold", "close", "exit"]
OnReconnect = Literal["resume", "restart"]
Pace = Literal["clock", "client"]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay. None means off."""

    # Where to listen. Port 0 is any free one.
    host: str = "127.0.0.1"
    port: int = 8088

    # How many seconds of the recording go by in one second. None: as fast as the clients take the frames.
    speed: float | None = 1

    # What an event waits for: that it is due, or also that the client has asked what the recorded app had asked before
    # it; for that not longer than so many seconds. After what a client asked, it has so long before it hears more.
    pace: Pace = "clock"
    pace_timeout_s: float = 5
    pace_settle_s: float = 0.02

    # What happens after the last frame: the connections stay open, are closed (code 1000) and the server goes
    # on, or all ends. They stay open by default because many clients reconnect at once when they are closed.
    at_end: AtEnd = "hold"

    # Apps that are dialled, as Asterisk does with outbound WebSockets, besides listening: the addresses, the
    # applications that they have (none: those of the recording), whether they hear of everything, and the time between
    # two tries.
    connect: Sequence[str] = ()
    connect_apps: Sequence[str] = ()
    connect_all: bool = False
    reconnect_interval_s: float = 0.5

    # What a client gets that comes back when no other is there: what comes next, or all from the start.
    on_reconnect: OnReconnect = "resume"

    # The name and password that clients must give; without a name everybody is let in.
    user: str | None = None
    password: str = field(default="", repr=False)

    # Whether several clients may have one application, which Asterisk does not allow: there the newer takes it.
    share: bool = False

    # Pairs of an application in the recording and the name under which a client asks for it, and whether names that are
    # neither mapped nor in the recording are refused.
    map_app: Sequence[tuple[str, str]] = ()
    strict_app: bool = False

    # Where to write what clients ask over REST, as a session of its own.
    record_client: Path | None = None

    # Which part is replayed, in nanoseconds since 1970 UTC, to the row where rows of one time are told apart by their
    # `seq`. What was before the start is known to be up then; the end is not in it.
    start_ns: int | None = None
    start_seq: int = -1
    until_ns: int | None = None
    until_seq: int = -1

    # How many times; 0 is without end.
    loop: int = 1

    # Whether time stands still until `resume`.
    start_paused: bool = False

    # Silences are shortened to this, in nanoseconds of the recording.
    idle_limit_ns: int | None = None

    # The shortest time between two frames, in nanoseconds of the recording.
    min_gap_ns: int = 0

    # Faults on purpose; the same seed strikes the same frames.
    chaos: Sequence[Fault] = ()
    seed: int = 0

    # A file to which each of them is written, a JSON object a line.
    chaos_log: Path | None = None

    # Whether dates in events and answers are moved, so that what is sent now happened now.
    shift_to_now: bool = False

    # Only what is about this call is sent; what is up is known from all.
    only_call: CallFrames | None = None

    # Where calls begin, in order, for who wants the next one. It is called once, in a thread, when somebody does.
    call_starts: Callable[[], Sequence[Position]] | None = None

    # Which event types are sent: only these (none: all), and none of those. What is up is known from all.
    types: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()

    @property
    def start(self) -> Position | None:
        """Where the replay starts; None: at the beginning."""
        return None if self.start_ns is None else Position(self.start_ns, self.start_seq)

    @property
    def until(self) -> Position | None:
        """The first place that is not replayed; None: it goes to the end."""
        return None if self.until_ns is None else Position(self.until_ns, self.until_seq)

    def sends(self, frame: Frame) -> bool:
        """Whether a frame is sent to clients at all."""
        if self.only_call is not None and not self.only_call.has(frame):
            return False
        if frame.kind == "event":
            if frame.type == "RESTResponse" and self.pace == "client":
                return False  # what answers the recorded app answers nothing that this client asked
            return frame.type not in self.exclude and (not self.types or frame.type in self.types)
        return frame.kind == "binary" and not self.types
