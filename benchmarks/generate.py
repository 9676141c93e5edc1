"""Streams of any length that look like a real one, for measuring: the same seed gives the same bytes.

Real recordings (of `sample_data`: a busy hour's 2,340 calls in three minutes, then calls with digits, transfers and
failures) are told one after the other, again and again. Every lap has ids, names of channels, numbers, RTP statistics
and times of its own, as the next minutes of the same switch would have; what repeats within a call repeats.
`python -m benchmarks.generate --check` holds the result against the real recordings: size and types of frames,
repetition of channel snapshots, and what is left after compression.

    python -m benchmarks.generate 1000000 FOLDER [--seed 1]
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import orjson
import zstandard

from arirecord.session.journal import JournalWriter
from arirecord.session.reader import open_session

__all__ = ["Stream", "frames", "make_stream", "real_frames"]

SAMPLES = Path(__file__).parents[1] / "sample_data"
_REAL = [SAMPLES / f"{name}.parquet" for name in ("peak_load", "ivr_dtmf", "transfers", "failed_calls")]
_BATCH = 1000
_SIZE = 1500
"""Bytes an event takes in all forms, with the session made of it."""

_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?=[+-]\d{4})")
# What changes from lap to lap. The order matters: a number within an id is part of the id.
_CHANGING = re.compile(
    rf"(?P<time>{_TIME.pattern})"
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


class Stream(NamedTuple):
    """A stream in all its forms: `{"t": NS, "frame": TEXT}` lines, frames alone, and the journal of a capture of it."""

    lines: Path
    bare: Path
    journal: Path


class _Real(NamedTuple):
    """The recordings cut up: `texts[0] + tokens[0] + texts[1] + …` is all of it, frames joined by newlines."""

    texts: list[str]
    tokens: list[int]
    distinct: list[tuple[str, str]]
    offsets_ns: list[int]
    started_ns: int


def real_frames() -> Iterator[tuple[int, str]]:
    """Events of the real recordings, one after the other: when received (ns since 1970 UTC), and the text."""
    end_ns = 0
    for path in _REAL:
        recorded = [(frame.t_ns, frame.raw) for frame in open_session(path).frames()]
        # Whole seconds: times in frames move with those of receipt.
        shift_s = (end_ns - recorded[0][0]) // 10**9 + 1 if end_ns else 0
        for t_ns, raw in recorded:
            end_ns = t_ns + shift_s * 10**9
            yield end_ns, _moved(raw, shift_s)


def _moved(raw: str, seconds: int) -> str:
    return _TIME.sub(lambda found: _later(found[0], seconds), raw) if seconds else raw


def _later(time: str, seconds: int) -> str:
    return (datetime.fromisoformat(time) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


@cache
def _cut() -> _Real:
    recorded = list(real_frames())
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


def frames(count: int, seed: int = 1) -> Iterator[tuple[int, str]]:
    """`count` events as `(received_ns, text)`, in order. Memory does not grow with `count`."""
    return islice(chain(real_frames(), _laps(random.Random(seed))), count)


def _laps(rng: random.Random) -> Iterator[tuple[int, str]]:
    """All laps after the first, which is the recordings themselves."""
    real = _cut()
    lap_s = real.offsets_ns[-1] // 10**9 + 1
    last_ns = 0
    for lap in range(1, 10**6):
        new = [_changed(kind, text, lap, lap * lap_s, rng) for kind, text in real.distinct]
        pieces = [""] * (2 * len(real.tokens) + 1)
        pieces[0::2] = real.texts
        pieces[1::2] = [new[token] for token in real.tokens]
        start_ns = real.started_ns + lap * lap_s * 10**9
        for offset_ns, text in zip(real.offsets_ns, "".join(pieces).split("\n"), strict=True):
            # Receipt has nanoseconds that nobody can foretell.
            last_ns = max(last_ns + 1, start_ns + offset_ns + int(rng.random() * 200_000))
            yield last_ns, text


def _changed(kind: str, text: str, lap: int, shift_s: int, rng: random.Random) -> str:
    """What a thing of the first lap is in a later one."""
    if kind == "time":
        return _later(text, shift_s)
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


def make_stream(folder: Path, count: int, seed: int = 1) -> Stream:
    """Such a stream in all forms in a folder, made if it is not there yet: 1.4 kB an event.

    It is made in a process of its own: the largest memory of a process counts from its parent's.
    Raises `OSError` where there is no room, before it begins.
    """
    stream = _stream(folder, count, seed)
    if all(path.exists() for path in stream):
        return stream
    free = shutil.disk_usage(folder).free
    print(f"{folder} has {free / 1e9:.0f} GB free; {count:,} events take {count * _SIZE / 1e9:.1f}", file=sys.stderr)
    if free < count * _SIZE:
        raise OSError(f"{folder} has no room for {count:,} events: name another with --folder, or TMPDIR")
    command = [sys.executable, "-m", "benchmarks.generate", str(count), str(folder), "--seed", str(seed)]
    subprocess.run(command, check=True, cwd=SAMPLES.parent, stdout=subprocess.DEVNULL)
    return stream


def _stream(folder: Path, count: int, seed: int) -> Stream:
    return Stream(*(folder / f"{count}-{seed}{end}" for end in (".jsonl", ".bare.jsonl", ".journal")))


def _write(stream: Stream, count: int, seed: int) -> None:
    made = Stream(*(path.with_name(path.name + ".partial") for path in stream))
    made.journal.unlink(missing_ok=True)
    with made.lines.open("wb") as lines, made.bare.open("w", encoding="utf-8") as bare:
        events = frames(count, seed)
        batch = list(islice(events, _BATCH))
        started_ns = batch[0][0]
        journal = JournalWriter(made.journal, started_ns, {"verb": "import", "files": ["generated"]})
        while batch:
            lines.writelines(orjson.dumps({"t": t_ns, "frame": text}) + b"\n" for t_ns, text in batch)
            bare.writelines(text + "\n" for _, text in batch)
            journal.write((t_ns, t_ns - started_ns, "event", text) for t_ns, text in batch)
            batch = list(islice(events, _BATCH))
        journal.close()
    for partial, path in zip(made, stream, strict=True):
        partial.rename(path)


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
    """Print the real recordings and later laps side by side; whether each figure is within 10 %."""
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
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="compare with the real recordings")
    options = parser.parse_args()
    if options.check:
        raise SystemExit(not check())
    if options.folder is None:
        parser.error("say which folder the stream goes to")
    stream = _stream(options.folder, options.count, options.seed)
    _write(stream, options.count, options.seed)
    print(*stream, sep="\n")


if __name__ == "__main__":
    main()
