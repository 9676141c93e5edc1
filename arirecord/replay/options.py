"""The options of a replay."""

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
    """Options of a replay. None means off."""

    # Where to listen. Port 0 is any free port.
    host: str = "127.0.0.1"
    port: int = 8088

    # Seconds of the recording per second. None: as fast as the clients take the frames.
    speed: float | None = 1

    # What an event waits for: its due time, or also the requests that the recorded app sent before it; for a request at
    # most this many seconds. After a request, the client has this many seconds before the next event.
    pace: Pace = "clock"
    pace_timeout_s: float = 5
    pace_settle_s: float = 0.02

    # What happens after the last frame: the connections stay open, are closed (code 1000) and the server continues,
    # or all ends. They stay open by default because many clients reconnect at once when they are closed.
    at_end: AtEnd = "hold"

    # Apps that the replay connects to, as Asterisk does with outbound WebSockets, besides listening: their addresses,
    # their applications (empty: those of the recording), whether they receive all events, and the time between two
    # tries.
    connect: Sequence[str] = ()
    connect_apps: Sequence[str] = ()
    connect_all: bool = False
    reconnect_interval_s: float = 0.5

    # What a client receives that returns while no other is connected: the next events, or all from the start.
    on_reconnect: OnReconnect = "resume"

    # The name and password that clients must give; without a name, all clients are accepted.
    user: str | None = None
    password: str = field(default="", repr=False)

    # Whether several clients may share an application. In Asterisk, the newer client takes it.
    share: bool = False

    # Pairs of an application in the recording and the name under which a client asks for it, and whether to refuse
    # names that are neither mapped nor in the recording.
    map_app: Sequence[tuple[str, str]] = ()
    strict_app: bool = False

    # Where to write the REST requests of clients, as a session.
    record_client: Path | None = None

    # Which part is replayed, in nanoseconds since 1970 UTC; `seq` separates rows of the same time. Resources created
    # before the start exist at the start; the end is not part of it.
    start_ns: int | None = None
    start_seq: int = -1
    until_ns: int | None = None
    until_seq: int = -1

    # Number of repetitions; 0 is without end.
    loop: int = 1

    # Whether the replay starts paused, until `resume`.
    start_paused: bool = False

    # Silences are shortened to this, in nanoseconds of the recording.
    idle_limit_ns: int | None = None

    # The shortest time between two frames, in nanoseconds of the recording.
    min_gap_ns: int = 0

    # Faults on purpose; the same seed strikes the same frames.
    chaos: Sequence[Fault] = ()
    seed: int = 0

    # A file to which each fault is written, one JSON object per line.
    chaos_log: Path | None = None

    # Whether dates in events and responses are moved to the present.
    shift_to_now: bool = False

    # Send only what belongs to this call. The pbx state is computed from all calls.
    only_call: CallFrames | None = None

    # Where calls begin, in order, for the step to the next call. Called once, in a thread, at the first such step.
    call_starts: Callable[[], Sequence[Position]] | None = None

    # Which event types are sent: only these (empty: all), and none of those. The pbx state uses all of them.
    types: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()

    @property
    def start(self) -> Position | None:
        """Where the replay starts; None: at the beginning."""
        return None if self.start_ns is None else Position(self.start_ns, self.start_seq)

    @property
    def until(self) -> Position | None:
        """The first position that is not replayed; None: it runs to the end."""
        return None if self.until_ns is None else Position(self.until_ns, self.until_seq)

    def sends(self, frame: Frame) -> bool:
        """Whether a frame is sent to clients at all."""
        if self.only_call is not None and not self.only_call.has(frame):
            return False
        if frame.kind == "event":
            if frame.type == "RESTResponse" and self.pace == "client":
                return False  # a response to the recorded app is not a response to this client
            return frame.type not in self.exclude and (not self.types or frame.type in self.types)
        return frame.kind == "binary" and not self.types
