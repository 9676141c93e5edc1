"""Due times of frames: long silences shortened, short gaps lengthened, gates added, the recording repeated. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from arirecord.session.reader import Frame

__all__ = ["AGAIN", "GATE", "gated", "paced", "repeated"]

AGAIN: Final = "again"
"""The kind of a marker frame: the recording starts again here."""

GATE: Final = "gate"
"""The kind of a marker frame: the recorded app sent a request here."""

_BETWEEN_NS: Final = 1_000_000_000


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
