"""Connect to an ARI, and explain failures."""

from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from arirecord.errors import CaptureError, ConnectionRefused

from .address import Address, why_unreachable
from .event_stream import EventStream

__all__ = ["CaptureOptions", "dial"]


@dataclass(frozen=True)
class CaptureOptions:
    """Options of a capture.

    `duration_s` and `max_events` end the recording; None: it goes on until it is stopped. `reconnect` reconnects after
    a loss, without limit; `waits` lets it do so before the first connection, too. `takeover` takes the application from
    a client that has it. `formats` requests the format of each channel that talks. `allowed` and `disallowed` are event
    types for Asterisk's own `eventFilter`. `keepalive_s` is the interval of WebSocket pings, and the time-out of their
    answers.
    """

    address: Address
    application: str = "arirecord"
    subscribe_all: bool = True
    duration_s: float | None = None
    max_events: int | None = None
    reconnect: bool = True
    waits: bool = False
    takeover: bool = False
    snapshot: bool = True
    formats: bool = True
    allowed: tuple[str, ...] = ()
    disallowed: tuple[str, ...] = ()
    keepalive_s: float = 20
    open_timeout_s: float = 10
    max_frame_bytes: int = 1 << 24

    @property
    def url(self) -> str:
        """Return the URL of the event stream, without credentials."""
        return self.address.events_url(self.application, subscribe_all=self.subscribe_all)

    @property
    def source(self) -> dict[str, Any]:
        """Return the source for a session's header."""
        return {
            "verb": "capture",
            "url": self.address.base,
            "application": self.application,
            "subscribe_all": self.subscribe_all,
            **({"filter": list(self.allowed)} if self.allowed else {}),
            **({"exclude": list(self.disallowed)} if self.disallowed else {}),
        }


class _Connect(connect):
    """Follows no redirect: the password is for one server."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(options: CaptureOptions) -> EventStream:
    """Connect. Raises `CaptureError`; for an HTTP status it is a `ConnectionRefused`."""
    where = options.address.base
    try:
        connection = await _Connect(
            options.url,
            create_connection=EventStream,
            additional_headers=options.address.headers,
            ssl=options.address.tls,
            proxy=None,
            compression=None,
            open_timeout=options.open_timeout_s,
            close_timeout=2,
            ping_interval=options.keepalive_s,
            ping_timeout=options.keepalive_s,
            max_size=options.max_frame_bytes,
            user_agent_header="arirecord",
        )
        assert isinstance(connection, EventStream)
        return connection
    except InvalidStatus as error:
        status, to = error.response.status_code, error.response.headers.get("Location", "")
        raise ConnectionRefused(_refusal(status, options, to.partition("?")[0]), status) from None
    except InvalidHandshake as error:
        raise CaptureError(f"{where} answers, but not as an ARI server does: {error}") from None
    except OSError as error:
        raise CaptureError(why_unreachable(where, error, options.open_timeout_s)) from None


def _refusal(status: int, options: CaptureOptions, to: str) -> str:
    where, user = options.address.base, options.address.user
    if 300 <= status < 400:
        return f"{where} sends on to {to} (HTTP {status}): if that is right, give it as --url"
    if status == 401 and user is None:
        return f"{where} wants a user: add --user NAME (the password comes from ARIRECORD_PASSWORD or a prompt)"
    sentences = {
        400: f"{where} refuses the application name {options.application!r} (HTTP 400)",
        401: f"{where} refuses user {user!r}: wrong name or password (HTTP 401). Asterisk has them in ari.conf",
        403: f"{where} forbids user {user!r} this (HTTP 403)",
        404: f"no ARI at {where} (HTTP 404): the path usually is /ari, and ari.conf needs `enabled = yes`",
        503: f"Asterisk at {where} is not ready yet (HTTP 503)",
    }
    return sentences.get(status, f"{where} is not an ARI server: it answers HTTP {status}")
