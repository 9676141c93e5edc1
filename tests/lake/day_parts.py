"""Recordings of several servers cut into days, with calls across each midnight: captures, moved in time."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal
from tests.conftest import read_lines, streams

__all__ = ["DAY_NS", "STREAMS", "Row", "make_days", "moved", "stretched", "write_days"]

STREAMS = (
    "answered_bridge_talk/all", "attended_transfer/all", "blind_transfer/all", "busy_noanswer_cancel/all",
    "hold_unhold/all", "ivr_dtmf/all", "recording_playback/all", "registrations_devicestate/all",
    "userevents_textmessage/all",
)  # fmt: skip
_SERVER = "02:fc:00:00:00:01"
_MIDNIGHT_NS = int(datetime(2026, 11, 17, tzinfo=UTC).timestamp()) * 10**9
DAY_NS = 86_400 * 10**9
_TIME = re.compile(r"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(?=\.\d{3}[+-]\d{4})")
_UNIQUE = re.compile(r"\b(1[5-9]\d{8})(?=\.\d+\b)")
_UUID = re.compile(r"\b[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)")


class Row(NamedTuple):
    """A row of a recording: when it was received, its kind, its text."""

    t_ns: int
    kind: str
    text: str


def moved(stream: str, lap: int, begin_ns: int, server: int) -> Iterator[Row]:
    """Yield the frames of a capture as a server would send them `lap` laps later, from another time on.

    Ids that Asterisk makes are new in each lap; ids that an app gives are given again.
    """
    lines = [orjson.loads(line) for line in read_lines(streams()[stream])]
    shift_s = (begin_ns - lines[0]["t"]) // 10**9
    shift = timedelta(seconds=shift_s)
    for line in lines:
        text = line["frame"].replace(_SERVER, f"02:fc:00:00:01:{server:02x}")
        text = _TIME.sub(lambda time: (datetime.fromisoformat(time[1]) + shift).isoformat(), text)
        text = _UNIQUE.sub(lambda epoch: str(int(epoch[1]) + lap * 100_000), text)
        text = _UUID.sub(lambda uuid: f"{(int(uuid[0], 16) + lap * 7919) % 2**32:08x}", text)
        yield Row(line["t"] + shift_s * 10**9, "event", text)


def stretched(rows: Iterable[Row], midnight_ns: int = _MIDNIGHT_NS) -> list[Row]:
    """Return rows of which those after a midnight come a day later: calls go on over one more midnight."""
    midnight = datetime.fromtimestamp(midnight_ns / 1e9, UTC).replace(tzinfo=None)

    def later(time: re.Match[str]) -> str:
        at = datetime.fromisoformat(time[1])
        return (at + timedelta(days=1) if at >= midnight else at).isoformat()

    found = [
        Row(row.t_ns + DAY_NS, row.kind, _TIME.sub(later, row.text)) if row.t_ns >= midnight_ns else row for row in rows
    ]
    return sorted(found, key=lambda row: row.t_ns)


def make_days(server: int, days: int, names: Sequence[str] = STREAMS, seed: int = 0) -> list[Row]:
    """Return the rows of a server: at each midnight, each capture is at another moment of its time."""
    chance = random.Random(f"{seed} {server}")
    rows: list[Row] = []
    for day in range(days):
        for number, name in enumerate(names):
            lines = [orjson.loads(line)["t"] for line in read_lines(streams()[name])]
            begin_ns = _MIDNIGHT_NS + day * DAY_NS - int((lines[-1] - lines[0]) * chance.uniform(0.2, 0.8))
            rows += moved(name, 1 + day * len(names) + number, begin_ns, server)
    return sorted(rows, key=lambda row: row.t_ns)


def write_days(
    folder: Path, rows: Iterable[Row], cuts_ns: Sequence[int] = (), *, is_continued: bool = True, day_ns: int = DAY_NS
) -> Path:
    """Write rows as one part a day into `folder/date=…/`, cut at further times, too.

    day_ns: another length of a day.
    is_continued: the parts are those of one recording; otherwise each is a recording of its own.
    """
    parts: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        key = (row.t_ns // day_ns, sum(cut <= row.t_ns for cut in cuts_ns))
        parts.setdefault(key, []).append(row)
    started_ns, seq = min(row.t_ns for part in parts.values() for row in part), 0
    for (day, number), part in sorted(parts.items()):
        begun = started_ns if is_continued else part[0].t_ns
        date = datetime.fromtimestamp(day * day_ns // 10**9, UTC).date()
        target = folder / f"date={date}" / f"{number}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        writer = JournalWriter(journal_path(target), begun, {"verb": "import", "files": ["moved"]}, seq)
        writer.write((row.t_ns, row.t_ns - begun, row.kind, row.text) for row in part)
        writer.close()
        seal(journal_path(target), target)
        seq += len(part) if is_continued else 0
    return folder
