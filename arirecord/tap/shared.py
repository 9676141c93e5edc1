"""State that all connections of a tap share."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from arirecord.asterisk.web_access import WebAccess

from .admission import check_head
from .event_stream import StreamRegistry
from .fan_out import FanOut
from .http import Head
from .known_secrets import KnownSecrets
from .options import TapOptions
from .rest_exchanges import ObservedExchange
from .safe_recorder import SafeRecorder
from .secrets import clean_text, user_of

__all__ = ["OpenConnection", "Shared"]


class OpenConnection(Protocol):
    """A proxied connection."""

    @property
    def is_idle(self) -> bool:
        """Whether it serves no request, event stream or copy."""

    def leave(self) -> None:
        """End in good order."""

    def abort(self) -> None:
        """End at once."""


@dataclass
class Shared:
    """What all connections of a tap share.

    spawn: runs a coroutine.
    secrets: those that Asterisk has accepted.
    connections: the open ones, the oldest first; at most `max_connections`.
    emptied: set when no connection is left.
    """

    options: TapOptions
    recorder: SafeRecorder
    streams: StreamRegistry
    copies: FanOut
    say: Callable[[str], None]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    access: WebAccess
    secrets: KnownSecrets
    max_connections: int
    connections: dict[OpenConnection, None] = field(default_factory=dict)
    emptied: asyncio.Event = field(default_factory=asyncio.Event)
    rest_count: int = 0
    has_been_full: bool = False

    def admit(self, connection: OpenConnection) -> bool:
        """Add a connection. At the limit the oldest idle one is ended for it; False if none is idle."""
        if len(self.connections) >= self.max_connections:
            if not self.has_been_full:
                self.has_been_full = True
                self.say(
                    f"{self.max_connections:,} connections are open, the limit: idle ones are closed for new ones."
                )
            idle = next((other for other in self.connections if other.is_idle), None)
            if idle is None:
                return False
            idle.abort()
        self.connections[connection] = None
        return True

    def check(self, secrets: KnownSecrets, head: Head) -> None:
        """Learn the secrets of a request. Raises `RequestRefused` for one of a foreign web page."""
        check_head(self.access, head)
        secrets.learn(head)

    def record(self, exchange: ObservedExchange, client: str, secrets: KnownSecrets, reason: str | None) -> None:
        """Record an exchange over HTTP; `reason` is why the response is missing or incomplete."""
        self.rest_count += 1
        name = self.streams.name_of(client, user_of(exchange.request))
        who = f"{client} ({name})" if name else client
        self.recorder.rest(
            secrets.mask(clean_text(exchange.request.method)),
            client=who,
            transport="http",
            **exchange.fields(secrets, reason),
        )

    def remove(self, connection: OpenConnection) -> None:
        """Remove a connection that has ended."""
        self.connections.pop(connection, None)
        if not self.connections:
            self.emptied.set()
