"""The events that a playback takes and the commands that it returns: plain values, without sockets, tasks or files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from arirecord.select.times import Position
from arirecord.session.reader import Frame

from .clients.channel_ownership import Membership
from .pbx.lazy_state import BuildState
from .pbx.state import PbxState
from .rest.messages import RestRequest, RestResponse
from .rest_handler import ClientExchange


class Client(Protocol):
    """Stands for a connection: the playback compares it and names it in commands. `name` is for messages."""

    @property
    def name(self) -> str: ...


# Events


@dataclass(frozen=True, slots=True)
class Due:
    """The commands so far are done, and the latest `Wait` is over. `can_read`: `ReadFrames` would not wait."""

    can_read: bool = False


@dataclass(frozen=True, slots=True)
class FramesRead:
    """The next frames of the recording, after `ReadFrames`; empty at the end."""

    frames: Sequence[Frame]


@dataclass(frozen=True, slots=True)
class StateBuilt:
    """The result of a `BuildState`. Without a state, the session can't be read: `error` is the reason."""

    build: BuildState
    state: PbxState | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ClientConnected:
    """A client connected for these applications. `membership` is needed if `EventRouting.needs_known`."""

    client: Client
    applications: Sequence[str]
    subscribe_all: bool = False
    membership: Membership = field(default_factory=Membership)


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """The connection of a client has ended."""

    client: Client


@dataclass(frozen=True, slots=True)
class SendFailed:
    """The latest `Send` did not reach the client; `ClientLeft` follows."""

    client: Client


@dataclass(frozen=True, slots=True, eq=False)
class RequestReceived:
    """A REST request over HTTP, from a client at this address. A `Respond` names the same object."""

    request: RestRequest
    address: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message of a client over its WebSocket, such as a `RESTRequest`."""

    client: Client
    text: str

    @property
    def address(self) -> str:
        """The address of the client."""
        return self.client.name


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop the clock until `Resume`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Start the clock again; it runs while a client is connected."""


@dataclass(frozen=True, slots=True)
class Step:
    """Send the next event while the clock is stopped, as soon as a client is connected."""


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """Change the speed; None is as fast as possible. Raises `ValueError` unless it is above 0."""

    speed: float | None


@dataclass(frozen=True, slots=True)
class Seek:
    """Continue at another position."""

    position: Position


@dataclass(frozen=True, slots=True)
class NextCall:
    """Continue where the next call begins; `starts` are the begins of all calls, in order."""

    starts: Sequence[Position]


@dataclass(frozen=True, slots=True)
class Inject:
    """Send an event that is not in the recording to the clients of its application, or to all without one."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """The server ends."""


Event = (
    Due
    | FramesRead
    | StateBuilt
    | ClientConnected
    | ClientLeft
    | SendFailed
    | RequestReceived
    | MessageReceived
    | Pause
    | Resume
    | Step
    | SetSpeed
    | Seek
    | NextCall
    | Inject
    | Stop
)

# Commands


@dataclass(frozen=True, slots=True)
class Send:
    """Send these to a client, each as a frame. Wait while it does not read, but at most `within_s`."""

    client: Client
    payloads: Sequence[str | bytes]
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer a request: over HTTP with the `response`, over a WebSocket with the `RESTResponse` `text`.

    `request` is missing for a message that holds none, `exchange` (in recorded ids) for a request that ARI does not
    know. `took_ns` is the time since the request. With `is_in_place` the response follows the frames that were
    recorded before it: the next frame waits until it is written.
    """

    to: RequestReceived | MessageReceived
    request: RestRequest | None
    response: RestResponse
    took_ns: int
    exchange: ClientExchange | None = None
    text: str = ""
    is_in_place: bool = False

    @property
    def address(self) -> str:
        """The address of the client."""
        return self.to.address

    @property
    def transport(self) -> str:
        """`http` or `websocket`."""
        return "http" if isinstance(self.to, RequestReceived) else "websocket"


@dataclass(frozen=True, slots=True)
class Close:
    """Close these connections after all that was sent to them; wait at most `within_s`. Code 0: cut them at once."""

    clients: Sequence[Client]
    code: int
    reason: str = ""
    within_s: float = 10


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until this time of the monotonic clock (None: without end), or until any event; then `Due` comes."""

    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ReadFrames:
    """Wait for the next frames of the recording; `FramesRead` has them."""


@dataclass(frozen=True, slots=True)
class SeekFrames:
    """Continue to read the recording at this position."""

    position: Position


@dataclass(frozen=True, slots=True)
class Report:
    """Report this to the user."""

    text: str


@dataclass(frozen=True, slots=True)
class NoteFault:
    """A fault struck a frame."""

    name: str
    frame: Frame


@dataclass(frozen=True, slots=True)
class EndReached:
    """The last frame was sent. A seek may follow."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The replay is over: the server should end."""


Command = Send | Respond | Close | Wait | ReadFrames | SeekFrames | BuildState | Report | NoteFault | EndReached | Exit
