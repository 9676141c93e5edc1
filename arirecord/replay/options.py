"""The options of a replay, declared once: for the server, for `arirecord.replay` and for the command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from arirecord.asterisk.web_access import WebAccess, is_loopback
from arirecord.errors import ReplayError
from arirecord.select.times import Position

if TYPE_CHECKING:
    from arirecord.session.reader import Frame

    from .timing.call_filter import CallFrames
    from .timing.chaos import Fault

__all__ = ["AtEnd", "OnReconnect", "Pace", "ReplayError", "ReplayOptions"]

AtEnd = Literal["hold", "close", "exit"]
OnReconnect = Literal["resume", "restart"]
Pace = Literal["clock", "client"]


def option(help: str, **settings: Any) -> dict[str, Any]:
    """The metadata of a field that is also an option of `arirecord replay`; `settings` are those of click."""
    return {"help": help, **settings}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Options of a replay. None means off. Times with `_ns` are nanoseconds of the recording."""

    speed: float | Literal["max"] | None = field(
        default=1, metadata=option("Speed factor, or max: as fast as clients receive.")
    )
    host: str = field(default="127.0.0.1", metadata=option("Address to listen on."))
    port: int = field(default=0, metadata=option("Port to listen on; 0 is any free port.", default=8088))

    # The connections stay open by default because many clients reconnect at once when they are closed.
    at_end: AtEnd = field(
        default="hold",
        metadata=option(
            "After the last frame: keep connections open, close them and keep serving, or close them and exit.",
            choices=AtEnd,
        ),
    )
    on_reconnect: OnReconnect = field(
        default="resume",
        metadata=option(
            "If a client reconnects while no other is connected: resume, or restart the replay.", choices=OnReconnect
        ),
    )
    connect: Sequence[str] = field(
        default=(),
        metadata=option(
            "Connect to an app that waits for an outbound WebSocket: ws://[NAME:PASSWORD@]HOST:PORT/PATH (repeatable).",
            metavar="URL",
        ),
    )
    connect_apps: Sequence[str] = field(
        default=(),
        metadata=option(
            "Name of the app given by --connect, if it differs from the recording.", name="connect_app", metavar="APP"
        ),
    )
    connect_all: bool = field(
        default=False, metadata=option("Send all events to the app given by --connect, like subscribe_all in ari.conf.")
    )
    # How long after a lost or failed connection the next one is tried.
    reconnect_interval_s: float = 0.5

    # Without a user, all clients are accepted.
    user: str | None = field(
        default=None,
        metadata=option(
            "Credentials for clients. Default for the password: ARIRECORD_PASSWORD.", metavar="NAME[:PASSWORD]"
        ),
    )
    password: str = field(default="", repr=False)
    allow_origin: Sequence[str] = field(
        default=(),
        metadata=option(
            "Serve web pages of this origin too, besides those of this machine (repeatable).",
            metavar="http[s]://HOST[:PORT]",
        ),
    )
    allow_host: Sequence[str] = field(
        default=(),
        metadata=option("Name of this server that clients may use, besides its address (repeatable).", metavar="NAME"),
    )
    insecure_open: bool = field(
        default=False, metadata=option("Listen for other machines without a password (unsafe).")
    )
    share: bool = field(
        default=False, metadata=option("Let several clients share an app; in Asterisk the latest client takes it over.")
    )
    map_app: Sequence[tuple[str, str]] = field(
        default=(),
        metadata=option(
            "Send a client of app ASKED the events recorded for RECORDED (repeatable).", metavar="RECORDED=ASKED"
        ),
    )
    strict_app: bool = field(
        default=False, metadata=option("Refuse apps that are not in the recording; Asterisk accepts any.")
    )
    media: str | None = field(
        default=None,
        metadata=option(
            "Audio for media channels. Default: silence for WebSockets, nothing for RTP and AudioSocket.",
            metavar="silence|FILE|none",
        ),
    )
    record_client: Path | None = field(
        default=None, metadata=option("Record the clients' REST requests to a session.", metavar="FILE")
    )

    # Which part is replayed, since 1970 UTC; `seq` separates rows of the same time. Resources created before the start
    # exist at the start; the end is not part of it.
    start_ns: int | None = None
    start_seq: int = -1
    until_ns: int | None = None
    until_seq: int = -1

    # Send only what belongs to this call. The pbx state is computed from all calls.
    only_call: "CallFrames | None" = None

    # Where calls begin, in order, for the step to the next call. Called once, in a thread, at the first such step.
    call_starts: Callable[[], Sequence[Position]] | None = None

    loop: int = field(default=1, metadata=option("Replay this many times; 0 is endless."))
    start_paused: bool = field(
        default=False, metadata=option("Start paused: the space key or POST /control/resume starts the replay.")
    )
    pace: Pace = field(
        default="clock",
        metadata=option("client: each event waits for the requests that the tapped app made before it.", choices=Pace),
    )
    pace_timeout_s: float = field(
        default=5, metadata=option("With --pace client, how much longer than in the recording an event waits.")
    )
    # The time that a client has for each response before the next event, with `pace="client"`.
    pace_settle_s: float = 0.02
    idle_limit_ns: int | None = field(default=None, metadata=option("Shorten pauses in the recording to this length."))
    min_gap_ns: int = field(
        default=0, metadata=option("Shortest time between two events, for clients that debounce.", default=None)
    )
    shift_to_now: bool = field(
        default=False, metadata=option("Move timestamps in events and responses to the present.")
    )
    chaos: "Sequence[Fault]" = field(
        default=(), metadata=option("Inject faults: drop@1%,stall=2s@StasisStart (see above).", metavar="FAULTS")
    )
    seed: int = field(default=0, metadata=option("Seed of --chaos: the same seed gives the same faults."))
    chaos_log: Path | None = field(
        default=None, metadata=option("Write each injected fault to a file, as JSON.", metavar="FILE")
    )

    # The pbx state is computed from all types.
    types: frozenset[str] = field(
        default=frozenset(), metadata=option("Send only events of this type (repeatable).", name="type", metavar="TYPE")
    )
    exclude: frozenset[str] = field(
        default=frozenset(), metadata=option("Send no events of this type (repeatable).", metavar="TYPE")
    )

    @property
    def access(self) -> WebAccess:
        """Which web pages and names are served. Raises `ReplayError` if others reach a server without a password."""
        if self.user is None and not self.insecure_open and not is_loopback(self.host):
            raise ReplayError(
                f"other machines can reach {self.host or 'all addresses'}, and every client would be accepted: "
                "set a user and a password, or insecure_open"
            )
        try:
            return WebAccess(self.host, self.allow_origin, self.allow_host)
        except ValueError as error:
            raise ReplayError(str(error)) from None

    @property
    def clock_speed(self) -> float | None:
        """The speed; None for `max`."""
        return None if self.speed == "max" else self.speed

    @property
    def start(self) -> Position | None:
        """Where the replay starts; None: at the beginning."""
        return None if self.start_ns is None else Position(self.start_ns, self.start_seq)

    @property
    def until(self) -> Position | None:
        """The first position that is not replayed; None: it runs to the end."""
        return None if self.until_ns is None else Position(self.until_ns, self.until_seq)

    def sends(self, frame: "Frame") -> bool:
        """Whether a frame is sent to clients at all."""
        if self.only_call is not None and not self.only_call.has(frame):
            return False
        if frame.kind == "event":
            if frame.type == "RESTResponse" and self.pace == "client":
                return False  # a response to the recorded app is not a response to this client
            return frame.type not in self.exclude and (not self.types or frame.type in self.types)
        return frame.kind == "binary" and not self.types
