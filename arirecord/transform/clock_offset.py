"""Estimate the offset between the clocks of recorders."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from arirecord.session.reader import SessionFile
from arirecord.session.rewrite import read_batches

__all__ = ["Clock", "compare_clocks"]

_APPLICATION = re.compile(r'"application"\s*:\s*"[^"]*"')
_HELD = 50_000
_COMMON = 3
_NOTICEABLE_NS = 100_000_000
"""Delays of networks differ by less than this: a smaller offset is ignored."""


@dataclass(frozen=True)
class Clock:
    """`offset_ns`: how far this recorder's clock was ahead of the first one's; `known_from`: the method."""

    offset_ns: int
    known_from: str


def compare_clocks(sessions: Sequence[SessionFile]) -> list[Clock]:
    """Return the clock of each recorder relative to the first one's.

    If a session has events in common with an earlier one (the same event, to any application), the offset is the median
    of the differences between their receipts. Otherwise the shortest times from the events' own timestamps to their
    receipt (without the first hundredth) are compared with those of the first session of the same Asterisk server; an
    offset below 0.1 s is ignored. Without such a session the clocks are taken to be the same. Memory is bounded.
    """
    placed: list[tuple[_Sample, Clock]] = []
    for session in sessions:
        sample = _Sample(session)
        placed.append((sample, _place(sample, placed)))
    return [clock for _, clock in placed]


def _place(sample: "_Sample", before: "Sequence[tuple[_Sample, Clock]]") -> Clock:
    if not before:
        return Clock(0, "the first session")
    near, clock = max(before, key=lambda other: len(other[0].received.keys() & sample.received.keys()))
    differences = [at - near.received[key] for key, at in sample.received.items() if key in near.received]
    if len(differences) >= _COMMON:
        return Clock(clock.offset_ns + int(median(differences)), f"{len(differences)} events in common")
    # Delays after timestamps show the recorders' clocks only if the same Asterisk gave the timestamps.
    of_server = [each for each in before if each[0].servers & sample.servers or not each[0].servers | sample.servers]
    if not of_server or of_server[0][0].delay_ns is None or sample.delay_ns is None:
        return Clock(0, "nothing: taken to be the same")
    first, clock = of_server[0]
    offset_ns = clock.offset_ns + sample.delay_ns - (first.delay_ns or 0)
    return Clock(offset_ns if abs(offset_ns) >= _NOTICEABLE_NS else 0, "the events' own timestamps")


class _Sample:
    """A sample of one session's events: their receipt, and the delay after their timestamps.

    The text of an event decides whether it is in the sample, so that two sessions have the same events.
    """

    def __init__(self, session: SessionFile) -> None:
        self.received: dict[int, int] = {}
        self.servers = {server for server in session.header.asterisk_ids if server}
        self._mask = 0
        delays: list[int] = []
        for raw, at_ns, delay_ns in _events(session):
            if delay_ns is not None and len(delays) < _HELD:
                delays.append(delay_ns)
            self._take(raw, at_ns)
        self.delay_ns = sorted(delays)[len(delays) // 100] if delays else None

    def _take(self, raw: str, at_ns: int) -> None:
        key = int.from_bytes(blake2b(_APPLICATION.sub("", raw).encode(), digest_size=8).digest())
        if key & self._mask:
            return
        self.received.setdefault(key, at_ns)
        if len(self.received) > _HELD:
            self._mask = self._mask << 1 | 1
            self.received = {k: at for k, at in self.received.items() if not k & self._mask}


def _events(session: SessionFile) -> Iterator[tuple[str, int, int | None]]:
    started_ns = session.header.started_ns
    for batch, shift_ns in read_batches(session, ("timestamp",)):
        batch = batch.filter(pc.equal(batch["kind"], "event"))
        at_ns = pc.add(batch["elapsed_ns"], started_ns + shift_ns).to_pylist()
        stamps_ns = pc.multiply(batch["timestamp"].cast(pa.int64()), 1_000_000).to_pylist()
        for raw, at, stamp_ns in zip(batch["raw"].to_pylist(), at_ns, stamps_ns, strict=True):
            yield raw, at, None if stamp_ns is None else at - stamp_ns
