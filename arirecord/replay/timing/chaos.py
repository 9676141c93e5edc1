"""Faults on purpose. The seed and the frame alone decide which frames are struck, so runs are reproducible."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from arirecord.errors import ReplayError
from arirecord.select.units import UNITS_S
from arirecord.session.reader import Frame

__all__ = ["WORDS", "Chaos", "Fault", "parse_faults"]

WORDS: Final = """\
drop          leave events out              drop@1%   drop@StasisEnd
duplicate     send them twice               duplicate@0.5%
reorder=TIME  send each up to so much later reorder=50ms   reorder=1s@10%
stall=TIME    then send nothing for a while stall=2s@StasisStart
close[=CODE]  then cut the connections      close@BridgeDestroyed   close=1011@0.1%
slow=BYTES    send so much in a second      slow=20kB
rest-CODE     refuse requests               rest-500@5%   rest-503@POST /channels/*/play
rest-slow=TIME  answer so much later        rest-slow=2s@GET *
rest-none     never answer                  rest-none@1%@POST *
rest-cut      cut the answer off            rest-cut@DELETE /channels/*
"""
"""The faults as `--chaos` takes them, each with an example."""

_DONE: Final = {
    **{"drop": "dropped", "duplicate": "sent twice", "reorder": "delayed", "stall": "stalls", "close": "cuts"},
    **{"rest-status": "requests refused", "rest-slow": "answered later", "rest-none": "requests not answered"},
    "rest-cut": "answers cut off",
}
_FAULT: Final = re.compile(
    r"(drop|duplicate|reorder|stall|close|slow|rest-(?:[45]\d\d|slow|none|cut))(?:=([^@]*))?((?:@[^@]+)*)"
)
_REST: Final = "rest-"
_BYTES: Final[dict[str, float]] = {"": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000}
_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True)
class Fault:
    """One type of fault. `chance` (0 to 1) and `types` (empty: all) decide which frames it strikes.

    `amount` is seconds for `reorder`, `stall` and `rest-slow`, bytes a second for `slow`, the status for `rest-status`,
    the code of a Close frame for `close` (0: no Close frame is sent). Faults whose names begin with `rest-` strike
    requests of a `method` to a `path`, patterns with `*`, and `count` of them (None: all).
    """

    name: str
    amount: float = 0
    chance: float = 1
    types: frozenset[str] = frozenset()
    method: str = "*"
    path: str = "*"
    count: int | None = None


def parse_faults(text: str) -> list[Fault]:
    """Parse faults such as `drop@1%,stall=2s@StasisStart`, separated by commas or spaces.

    Raises `ReplayError` with the word that is wrong.
    """
    return [_fault(word) for word in re.split(r"(?:,|\s(?!\s*[/*]))\s*", text.strip()) if word]


def _fault(word: str) -> Fault:
    match = _FAULT.fullmatch(word)
    if match is None:
        raise ReplayError(f"{word!r} is not a fault; there are\n{WORDS.rstrip()}")
    name, value, conditions = match[1], match[2], match[3].split("@")[1:]
    if name.startswith(_REST):
        return _rest_fault(word, name.removeprefix(_REST), value, conditions)
    if name in ("drop", "duplicate") and value:
        conditions, value = [value, *conditions], None  # drop=1% is drop@1%
    chances = [_number(c.removesuffix("%"), {"": 1}) / 100 for c in conditions if c.endswith("%")]
    types = frozenset(c for c in conditions if not c.endswith("%"))
    if len(chances) > 1 or not all(0 <= chance <= 1 for chance in chances):
        raise ReplayError(f"{word!r} needs one chance from 0% to 100%")
    if not conditions and name in ("drop", "close", "stall"):
        raise ReplayError(f"{word!r} needs a chance or an event type: {name}@1%, {name}@StasisEnd")
    all_units: dict[str, dict[str, float]] = {"reorder": UNITS_S, "stall": UNITS_S, "slow": _BYTES, "close": {"": 1}}
    units = all_units.get(name, {})
    if value is None and name in ("reorder", "stall", "slow"):
        raise ReplayError(f"{word!r} needs an amount: {name}={'20kB' if name == 'slow' else '2s'}")
    amount = 0.0 if value is None else _number(value, units)
    if not (amount > 0 or value is None) or (name == "close" and value and not 1000 <= amount < 5000):
        raise ReplayError(f"{value!r} in {word!r} is not valid for {name}")
    return Fault(name, amount, chances[0] if chances else 1, types)


def _rest_fault(word: str, name: str, value: str | None, conditions: Sequence[str]) -> Fault:
    chances = [_number(c.removesuffix("%"), {"": 1}) / 100 for c in conditions if c.endswith("%")]
    requests = [c.split() for c in conditions if not c.endswith("%")]
    if len(chances) > 1 or not all(0 <= chance <= 1 for chance in chances):
        raise ReplayError(f"{word!r} needs one chance from 0% to 100%")
    if len(requests) > 1 or any(len(request) != 2 or request[1][0] not in "/*" for request in requests):
        raise ReplayError(f"{word!r} needs one METHOD /PATH at most, such as rest-500@POST /channels/*")
    if (value is None) == (name == "slow"):
        raise ReplayError(f"{word!r} needs an amount: rest-slow=2s" if name == "slow" else f"{word!r} takes no amount")
    method, path = requests[0] if requests else ("*", "*")
    chance = chances[0] if chances else 1
    if name == "slow":
        return Fault("rest-slow", _number(value or "", UNITS_S), chance, method=method.upper(), path=path)
    kind, amount = ("rest-status", float(name)) if name.isdigit() else (f"rest-{name}", 0.0)
    return Fault(kind, amount, chance, method=method.upper(), path=path)


def _number(text: str, units: dict[str, float]) -> float:
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)([A-Za-z]*)", text)
    if match is None or match[2] not in units:
        raise ReplayError(f"{text!r} is not an amount; its unit is one of {', '.join(filter(None, units)) or 'none'}")
    return float(match[1]) * units[match[2]]


class Chaos:
    """Faults with a seed. `counts` has the number of each."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._struck: list[tuple[str, Frame]] = []
        self._requests = 0
        self._strikes: Counter[int] = Counter()
        self.counts: Counter[str] = Counter()
        self.rate = min((fault.amount for fault in faults if fault.name == "slow"), default=None)
        self._faults = list(enumerate(faults))
        self._seed = seed

    @property
    def summary(self) -> str:
        """A sentence with the number of each fault."""
        done = [f"{count:,} {_DONE[name]}" for name, count in sorted(self.counts.items())]
        slow = [f"at most {self.rate:,.0f} bytes a second"] if self.rate is not None else []
        return f"Chaos with seed {self._seed}: {', '.join(done + slow) or 'nothing was struck'}."

    def take_struck(self) -> list[tuple[str, Frame]]:
        """Return the faults since the last call, each as `(fault, frame)`."""
        struck, self._struck = self._struck, []
        return struck

    def strikes(self, name: str, frame: Frame) -> Fault | None:
        """The first fault with this name that strikes a frame."""
        for number, fault in self._faults:
            meant = fault.name == name and frame.kind == "event" and (not fault.types or frame.type in fault.types)
            if meant and self._draw(number, frame.seq) < fault.chance:
                return fault
        return None

    def strike_request(self, method: str, path: str) -> Fault | None:
        """The first fault that strikes a client's request; it is counted."""
        self._requests += 1
        for number, fault in self._faults:
            if not fault.name.startswith(_REST) or fault.count == self._strikes[number]:
                continue
            meant = fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path)
            if meant and self._draw(number, self._requests) < fault.chance:
                self._strikes[number] += 1
                self.counts[fault.name] += 1
                return fault
        return None

    def add(self, fault: Fault) -> None:
        """Add a fault to those of the options; it comes before them."""
        self._faults.insert(0, (len(self._faults), fault))

    def multiply(self, frames: Iterable[Frame]) -> list[Frame]:
        """The frames without the dropped ones, and with the duplicated ones twice."""
        frames_left = []
        for frame in frames:
            if self.strikes("drop", frame):
                self.did("drop", frame)
                continue
            frames_left.append(frame)
            if self.strikes("duplicate", frame):
                self.did("duplicate", frame)
                frames_left.append(frame)
        return frames_left

    def up_to_break(self, frames: Sequence[Frame]) -> int:
        """The number of frames that can be sent before a stall or a cut."""
        for number, frame in enumerate(frames):
            if self.breaks(frame):
                return number + 1
        return len(frames)

    def breaks(self, frame: Frame) -> list[Fault]:
        """The stall and the cut that follow a frame."""
        return [fault for name in ("stall", "close") if (fault := self.strikes(name, frame)) is not None]

    def delay_ns(self, frame: Frame) -> int:
        """The delay of a frame."""
        fault = self.strikes("reorder", frame)
        return 0 if fault is None else int(self._draw(-1, frame.seq) * fault.amount * 1e9)

    def reorder(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames, some of them delayed, in the order of their new due times."""
        waiting: list[tuple[int, int, Frame]] = []
        for number, frame in enumerate(frames):
            while waiting and waiting[0][0] <= frame.elapsed_ns:
                yield heapq.heappop(waiting)[2]
            if delay_ns := self.delay_ns(frame):
                self.did("reorder", frame)
                due_ns = frame.elapsed_ns + delay_ns
                heapq.heappush(waiting, (due_ns, number, frame._replace(elapsed_ns=due_ns)))
            else:
                yield frame
        while waiting:
            yield heapq.heappop(waiting)[2]

    @property
    def reorders(self) -> bool:
        """Whether any frames are delayed."""
        return any(fault.name == "reorder" for _, fault in self._faults)

    def did(self, name: str, frame: Frame) -> None:
        """Count a fault."""
        self.counts[name] += 1
        self._struck.append((name, frame))

    def _draw(self, number: int, seq: int) -> float:
        """A number from 0 to 1 that depends only on the seed, the fault and the frame (splitmix64)."""
        value = (self._seed * 0x9E3779B97F4A7C15 + (number + 2) * 0xD1B54A32D192ED03 + seq * 0x8CB92BA72F3D8DD7) & _MASK
        for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
            value = ((value ^ (value >> 30)) * factor) & _MASK
        return (value ^ (value >> 31)) / (1 << 64)
