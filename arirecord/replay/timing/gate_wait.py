"""The wait of a replay at a gate, where the recorded app sent a request."""

from typing import Final

from arirecord.session.reader import Frame

__all__ = ["GateWait"]

# A wait is halved at most this many times.
_MOST_HALVED: Final = 6

# The recorded app sent some requests before it had the response to others: such a client sends them soon.
_CONCURRENT_NS: Final = 500_000_000


class GateWait:
    """Waits at a `gate` (None: not at a gate) for the client: as long as the recorded app took, and `timeout_s`.

    Each wait in vain halves the next, otherwise a silent client would cost hours. Times are monotonic.
    """

    def __init__(self, timeout_s: float) -> None:
        self.gate: Frame | None = None
        self.until_ns = 0
        self._timeout_s = timeout_s
        self._reaction_s = 0.0
        self._since_ns = 0
        self._missed = 0

    def begin(self, gate: Frame, before_ns: int, now_ns: int) -> None:
        """Wait at a gate. `before_ns` is when the frame before it was recorded; 0: there was none."""
        self.gate = gate
        self._reaction_s = max(0, gate.t_ns - before_ns) / 1e9 if before_ns else 0
        self.renew(now_ns)

    def renew(self, now_ns: int) -> None:
        """Start the wait again."""
        wait_s = (self._timeout_s + self._reaction_s) / 2 ** min(self._missed, _MOST_HALVED)
        self._since_ns = now_ns
        self.until_ns = now_ns + int(wait_s * 1e9)

    def end(self, has_come: bool) -> None:
        """Go on, with the request or without it."""
        self.gate = None
        self._missed = 0 if has_come else self._missed + 1

    @property
    def concurrent_until_ns(self) -> int | None:
        """Until when a client may send this request while it waits for the response to another one; None: no gate."""
        return None if self.gate is None else self._since_ns + _CONCURRENT_NS
