"""The options of a tap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arirecord.capture.address import Address

__all__ = ["TapOptions"]


@dataclass(frozen=True)
class TapOptions:
    """Options of a tap.

    upstream: the ARI to forward to. Only scheme, host and port matter: paths are forwarded unchanged, and its
        credentials are not used.
    host, port: where apps connect; port 0 is any free port.
    fan_out: whether a second client of an application receives a copy of its stream.
    max_behind_bytes: how much an app, or a copy, may leave unread before it is cut.
    max_connections: how many connections of apps may be open at once; fewer if this process may open fewer files.
    head_timeout_s: how long the head of a request may take, from its first byte or from the connection.
    max_body_bytes: longer bodies of REST exchanges are recorded by their size only.
    allow_origin, allow_host: as in `WebAccess`.
    """

    upstream: Address
    host: str = "127.0.0.1"
    port: int = 8089
    fan_out: bool = False
    max_behind_bytes: int = 64 << 20
    max_body_bytes: int = 1 << 20
    max_connections: int = 1000
    head_timeout_s: float = 30
    dial_timeout_s: float = 10
    leave_timeout_s: float = 2
    allow_origin: Sequence[str] = ()
    allow_host: Sequence[str] = ()

    @property
    def source(self) -> dict[str, Any]:
        """Return what a session's header reports of its source."""
        return {"verb": "tap", "url": self.upstream.base}
