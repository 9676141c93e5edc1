"""What a tap is told to do."""

from dataclasses import dataclass
from typing import Any

from arirecord.capture.address import Address

__all__ = ["TapOptions"]


@dataclass(frozen=True)
class TapOptions:
    """How to tap.

    `upstream` is the ARI to pass everything on to; only its scheme, host and port matter, because paths are passed on
    as they come, and its credentials are not used. `host` and `port` are where applications connect; port 0 is any
    free one. With `fan_out` a second client of an application gets a copy of its stream. `max_behind_bytes` is how
    much an application, or a copy, may leave unread before it is cut. Bodies of REST exchanges longer than
    `max_body_bytes` are recorded by their size only.
    """

    upstream: Address
    host: str = "127.0.0.1"
    port: int = 8089
    fan_out: bool = False
    max_behind_bytes: int = 64 << 20
    max_body_bytes: int = 1 << 20
    dial_timeout_s: float = 10
    leave_timeout_s: float = 2

    @property
    def source(self) -> dict[str, Any]:
        """What a session's header says of its source."""
        return {"verb": "tap", "url": self.upstream.base}
