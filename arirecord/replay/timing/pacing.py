"""Due times of frames: silences shortened, gaps lengthened, passes repeated, and gates that wait for a client. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from arirecord.session.reader import Frame

__all__ = ["AGAIN", "GATE", "ClientMoments", "GateWait", "gated", "paced", "repeated"]

AGAIN: Final = "again"
"""The kind of a marker frame: the recording starts again here."""

GATE: Final = "gate"
"""The kind of a marker frame: the recorded app sent a request here."""

_BETWEEN_NS: Final = 1_000_000_000

# A wait is halved at most this many times.
_MOST_HALVED: Final = 6

# The recorded app sent some requests before it had the response to others: such a client sends them soon.
_CONCURRENT_NS: Final = 500_000_000

# The most that a client has after a response, however long the recorded app had. Less is too little on a busy machine.
_MOST_NS: Final = 1_000_000_000

# Some clients register for events in another thread than the one that connects.
_READY_NS: Final = 250_000_000


def paced(
    frames: Iterable[Frame], idle_limit_ns: int | None, min_gap_ns: int, sent: Callable[[Frame], bool]
) -> Iterator[Frame]:
    """The frames with other `elapsed_ns`: no silence above the limit (None: no limit), no gap below the minimum.

    Only frames that are `sent` make a gap.
    """
    before_ns: int | None = None
    now_ns, last_sent_ns = 0, None
    for frame in frames:
        gap_ns = frame.elapsed_ns - before_ns if before_ns is not None else 0
        before_ns = frame.elapsed_ns
        now_ns += gap_ns if idle_limit_ns is None else min(gap_ns, idle_limit_ns)
        if sent(frame):
            now_ns = max(now_ns, last_sent_ns + min_gap_ns) if last_sent_ns is not None else now_ns
            last_sent_ns = now_ns
        yield frame._replace(elapsed_ns=now_ns)


def repeated(passes: Callable[[], Iterable[Frame]], times: int | None) -> Iterator[Frame]:
    """The same frames this many times (None: without end), a second apart, with a frame of kind `AGAIN` between."""
    offset_ns = end_ns = done = 0
    while True:
        empty = True
        for frame in passes():
            empty = False
            end_ns = offset_ns + frame.elapsed_ns
            yield frame._replace(elapsed_ns=end_ns) if offset_ns else frame
        done += 1
        if done == times or empty:
            return
        offset_ns = end_ns + _BETWEEN_NS
        yield Frame(-1, 0, offset_ns, AGAIN, None, None, "")


def gated(
    frames: Iterable[Frame], gates: Sequence[Frame], since_ns: int | None, until_ns: int | None
) -> Iterator[Frame]:
    """Frames with gates between them, each where the recorded app began a request."""
    waiting = iter(
        [
            gate
            for gate in gates
            if (since_ns is None or gate.t_ns >= since_ns) and (until_ns is None or gate.t_ns < until_ns)
        ]
    )
    gate = next(waiting, None)
    for frame in frames:
        while gate is not None and gate.t_ns <= frame.t_ns:
            yield gate
            gate = next(waiting, None)
        yield frame
    while gate is not None:
        yield gate
        gate = next(waiting, None)


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


class ClientMoments:
    """The moments that a client has before the next event, in which it may register for that event.

    They are as long as the recorded ones: after a response at least `least_s`, at most 1 s; after the client has
    connected at most 0.25 s. If the recorded app sent its first request in that time, an event before it waits for a
    request, at most 1 s: a slow client registers later. None are needed if `least_s` is 0. Times are monotonic.
    """

    def __init__(self, least_s: float) -> None:
        self._least_ns = int(least_s * 1e9)
        self._responded_ns = self._connected_ns = self._recorded_ns = self._first_request_ns = 0
        self._frames = -1

    def responded(self, now_ns: int) -> None:
        """A client was sent a response."""
        self._responded_ns = now_ns

    def connected(self, now_ns: int, recorded_ns: int, first_request_ns: int, frames: int) -> None:
        """A client has connected after this many frames. The recorded app did at `recorded_ns` (since 1970 UTC), and
        sent its first request at `first_request_ns`.
        """
        self._connected_ns, self._recorded_ns, self._frames = now_ns, recorded_ns, frames
        self._first_request_ns = first_request_ns if first_request_ns - recorded_ns <= _READY_NS else 0

    def requested(self) -> bool:
        """A client has sent a request. Returns whether an event may have waited for it."""
        waited = self._first_request_ns != 0
        self._first_request_ns = 0
        return waited

    def until_ns(self, frame: Frame, before_ns: int, frames: int) -> int:
        """When a frame may be sent. `before_ns` is when the row before it was recorded; 0: there was none."""
        if not self._least_ns:
            return 0
        recorded_ns = frame.t_ns - before_ns if before_ns else 0
        settled_ns = self._responded_ns + min(max(recorded_ns, self._least_ns), max(_MOST_NS, self._least_ns))
        if frames != self._frames:
            return settled_ns
        starts_up = self._recorded_ns <= frame.t_ns <= self._first_request_ns
        ready_ns = _MOST_NS if starts_up else min(frame.t_ns - self._recorded_ns, _READY_NS)
        return max(settled_ns, self._connected_ns + ready_ns)
