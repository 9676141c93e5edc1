"""Streams of any length that look like a real one, for measuring: the same seed gives the same bytes.

A real recording (`sample_data/busy_hour.parquet`: 2,340 calls in three minutes) is told again and again. Every lap has
ids, names of channels, numbers, RTP statistics and times of its own, as the next three minutes of the same switch
would have; what repeats within a call repeats. `python -m benchmarks.generate --check` holds the result against the
real recording: size and types of frames, repetition of channel snapshots, and what is left after compression.

    python -m benchmarks.generate 1000000 stream.jsonl [--seed 1]
    python -m benchmarks.generate 1000000 session.parquet
"""

import argparse
import json
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import zstandard

from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import seal

__all__ = ["REAL", "frames", "make_journal", "make_session", "real_frames", "write_jsonl"]

REAL = Path(__file__).parents[1] / "sample_data" / "busy_hour.parquet"
_BATCH = 1000

# What changes from lap to lap. The order matters: a number within an id is part of the id.
_CHANGING = re.compile(
    r"(?P<time>20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(?=[+-]\d{4})"
    r"|(?P<unique>\b1[5-9]\d{8}\.\d+)\b"
    r"|(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
    r"|(?P<sip>\b(?=[a-z]*\d)[a-z0-9]{16})(?=@)"
    r"|(?<=-)(?P<serial>[0-9a-f]{8})(?![0-9a-f-])"
    r"|\b(?P<hex>(?:out|pb)-[0-9a-f]{10,12})\b"
    r"|\b(?P<dialog>\d-\d{4,})(?=@)"
    r"|(?<=ssrc=)(?P<ssrc>\d+)"
    r"|(?<=[=.])(?P<digits>(?!0+\b)\d{6})\b"
    r"|(?<![0-9A-Za-z.:_-])(?P<number>[1-9]\d{3})(?![0-9A-Za-z.:_-])"
    r"|(?<=PJSIP/u)(?P<user>\d{4})\b"
)


class _Real(NamedTuple):
    """The recording cut up: `texts[0] + tokens[0] + texts[1] + …` is all of it, frames joined by newlines."""

    texts: list[str]
    tokens: list[int]
    distinct: list[tuple[str, str]]
    offsets_ns: list[int]
    started_ns: int


def real_frames(path: Path = REAL) -> Iterator[tuple[int, str]]:
    """Events of a real recording: when received (ns since 1970 UTC), and the text."""
    return ((frame.t_ns, frame.raw) for frame in open_session(path).frames())


def _cut(path: Path) -> _Real:
    recorded = list(real_frames(path))
    whole = "\n".join(text for _, text in recorded)
    texts, tokens, at = [], [], 0
    numbers: dict[tuple[str, str], int] = {}
    for found in _CHANGING.finditer(whole):
        texts.append(whole[at : found.start()])
        tokens.append(numbers.setdefault((found.lastgroup or "", found[0]), len(numbers)))
        at = found.end()
    texts.append(whole[at:])
    started_ns = recorded[0][0]
    return _Real(texts, tokens, list(numbers), [t_ns - started_ns for t_ns, _ in recorded], started_ns)


def frames(count: int, seed: int = 1, path: Path = REAL) -> Iterator[tuple[int, str]]:
    """`count` events as `(received_ns, text)`, in order. Memory does not grow with `count`."""
    return islice(_laps(_cut(path), random.Random(seed)), count)


def _laps(real: _Real, rng: random.Random) -> Iterator[tuple[int, str]]:
    lap_s = real.offsets_ns[-1] // 10**9 + 1
    last_ns = 0
    for lap in range(10**6):
        new = [_changed(kind, text, lap, lap * lap_s, rng) for kind, text in real.distinct]
        pieces = [""] * (2 * len(real.tokens) + 1)
        pieces[0::2] = real.texts
        pieces[1::2] = [new[token] for token in real.tokens]
        start_ns = real.started_ns + lap * lap_s * 10**9
        for offset_ns, text in zip(real.offsets_ns, "".join(pieces).split("\n"), strict=True):
            # Receipt has nanoseconds that nobody can foretell.
            last_ns = max(last_ns + 1, start_ns + offset_ns + rng.randrange(-100_000, 100_000) * bool(lap))
            yield last_ns, text


def _changed(kind: str, text: str, lap: int, shift_s: int, rng: random.Random) -> str:
    """What a thing of the first lap is in a later one; lap 0 is the recording itself."""
    if lap == 0:
        return text
    if kind == "time":
        return (datetime.fromisoformat(text) + timedelta(seconds=shift_s)).isoformat(timespec="milliseconds")
    if kind == "unique":
        epoch, _, serial = text.partition(".")
        return f"{int(epoch) + shift_s}.{int(serial) + lap * 5000}"
    if kind == "serial":
        return f"{(int(text, 16) + lap * 5000) % 2**32:08x}"
    if kind == "dialog":
        agent, _, number = text.partition("-")
        return f"{agent}-{int(number) + lap * 3000}"
    if kind in ("number", "user"):
        return f"{text[0]}{(int(text[1:]) + 37 * lap) % 1000:03}"
    letters = {"ssrc": "123456789", "digits": "0123456789", "sip": "abcdefghijklmnopqrstuvwxyz0123456789"}.get(
        kind, "0123456789abcdef"
    )
    keep = text.index("-") + 1 if kind == "hex" else 0
    return text[:keep] + "".join(c if c == "-" else rng.choice(letters) for c in text[keep:])


def write_jsonl(path: Path, count: int, seed: int = 1) -> Path:
    """Write `{"t": NS, "frame": TEXT}` lines, as `arirecord import` reads them."""
    with path.open("w", encoding="utf-8") as file:
        for t_ns, text in frames(count, seed):
            file.write(f'{{"t": {t_ns}, "frame": {json.dumps(text, ensure_ascii=False)}}}\n')
    return path


def make_session(path: Path, count: int, seed: int = 1) -> Path:
    """Seal such a stream."""
    seal(make_journal(journal_path(path), count, seed), path, force=True)
    return path


def make_journal(path: Path, count: int, seed: int = 1) -> Path:
    """Write the journal that a capture of such a stream would write."""
    stream = frames(count, seed)
    writer: JournalWriter | None = None
    started_ns = 0
    while batch := list(islice(stream, _BATCH)):
        if writer is None:
            started_ns = batch[0][0]
            writer = JournalWriter(path, started_ns, {"verb": "import", "files": ["generated"]})
        writer.write((t_ns, t_ns - started_ns, "event", text) for t_ns, text in batch)
    if writer is None:
        raise ValueError("a journal needs at least one event")
    writer.close()
    return path


def measure(stream: Iterator[tuple[int, str]]) -> dict[str, float]:
    """What makes a stream what it is for whoever stores it."""
    snapshot = re.compile(r'"(?:channel|peer|caller)":(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
    texts = [text for _, text in stream]
    data = "\n".join(texts).encode()
    found = [match for text in texts for match in snapshot.findall(text)]
    types = Counter(json.loads(text)["type"] for text in texts[::10])
    return {
        "frame_bytes": len(data) / len(texts),
        "types": len(types),
        "varset_share_ratio": types["ChannelVarset"] / types.total(),
        "snapshots_per_frame": len(found) / len(texts),
        "distinct_snapshot_ratio": len(set(found)) / len(found),
        "gzip6_bytes": len(zlib.compress(data, 6)) / len(texts),
        "zstd3_bytes": len(zstandard.compress(data, 3)) / len(texts),
        "zstd9_bytes": len(zstandard.compress(data, 9)) / len(texts),
    }


def check() -> bool:
    """Print the real recording and later laps side by side; whether each figure is within 10 %."""
    count = sum(1 for _ in real_frames())
    real = measure(real_frames())
    made = measure(islice(frames(3 * count), 2 * count, 3 * count))
    good = True
    for name, value in real.items():
        near = abs(made[name] - value) <= 0.1 * value
        good &= near
        print(f"{name:26} real {value:10.3f}   made {made[name]:10.3f}   {'' if near else 'TOO FAR APART'}")
    return good


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("output", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="compare with the real recording")
    options = parser.parse_args()
    if options.check:
        raise SystemExit(not check())
    if options.output is None:
        parser.error("say where the stream goes")
    make = make_session if options.output.suffix == ".parquet" else write_jsonl
    make(options.output, options.count, options.seed)


if __name__ == "__main__":
    main()
