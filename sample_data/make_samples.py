"""Make the samples again from recorded streams: `make samples CAPTURES=DIR`.

All but `office_hour.parquet`, which `make office-hour` records.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

import orjson

from arirecord.capture.import_files import read_pieces
from arirecord.capture.importer import import_streams

HERE = Path(__file__).parent

SAMPLES = {
    "ivr_dtmf": ["ivr_dtmf/all.jsonl"],
    "transfers": ["blind_transfer/all.jsonl", "attended_transfer/all.jsonl"],
    "failed_calls": ["busy_noanswer_cancel/all.jsonl"],
    "peak_load": ["mixed_load/all.jsonl"],
    "talk_and_hold": ["answered_bridge_talk/all.jsonl", "hold_unhold/all.jsonl"],
}
"""Session → the recorded streams it is made of, one after the other."""

TAPPED = HERE.parent / "tests" / "replay" / "recordings" / "menu.parquet"

MONDAY = date(2026, 11, 16)
WEEK = [
    ["answered_bridge_talk", "ivr_dtmf", "blind_transfer"],
    ["attended_transfer", "hold_unhold"],
    ["busy_noanswer_cancel", "busy_noanswer_cancel", "ivr_dtmf"],
    ["answered_bridge_talk", "attended_transfer"],
    ["blind_transfer", "hold_unhold", "answered_bridge_talk", "ivr_dtmf"],
]
"""The streams that are moved to each day, to nine, ten, eleven o'clock …"""


def stream(captures: Path, name: str) -> Path:
    """The recorded stream, compressed or not. Raises `FileNotFoundError`."""
    for path in (captures / name, captures / f"{name}.zst"):
        if path.exists():
            return path
    raise FileNotFoundError(f"{captures} has no {name}")


_MOVING = re.compile(
    r"(?P<day>20\d\d-\d\d-\d\d)T(?P<hour>\d\d)(?=:)"
    r"|(?P<second>\b1[5-9]\d{8})(?=\.\d)"
    r"|(?P<id>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|(?<=out-)[0-9a-f]{10}|(?<=pb-)[0-9a-f]{10,12})"
)


def moved(frames: Iterable[str], day: date, hour: int) -> Iterator[str]:
    """Frames as they would be on another day, from another hour on: times, and ids that no other move gives."""
    beginning: datetime | None = None

    def move(found: re.Match[str]) -> str:
        nonlocal beginning
        if found["id"]:
            fresh = iter(sha256(f"{day} {hour} {found['id']}".encode()).hexdigest())
            return re.sub("[0-9a-f]", lambda _: next(fresh), found["id"])
        if found["second"]:
            return str(int(found["second"]) - 30 * 86400 + 86400 * (day - MONDAY).days + 3600 * hour)
        at = datetime.fromisoformat(f"{found['day']}T{found['hour']}:00:00")
        beginning = beginning or at
        return (datetime.combine(day, time(hour)) + (at - beginning)).isoformat()[:13]

    for frame in frames:
        yield _MOVING.sub(move, frame)


def make_week(captures: Path) -> None:
    """A folder with a part for each day of a week."""
    shutil.rmtree(HERE / "week", ignore_errors=True)
    for number, scenarios in enumerate(WEEK):
        day = MONDAY + timedelta(days=number)
        target = HERE / "week" / f"date={day}" / "090000-000000.parquet"
        target.parent.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder, "day.jsonl")
            with lines.open("wb") as file:
                for hour, scenario in enumerate(scenarios, 9):
                    pieces = read_pieces(stream(captures, f"{scenario}/all.jsonl"))
                    recorded = (line for piece in pieces for line in piece.splitlines())
                    for frame in moved((orjson.loads(line)["frame"] for line in recorded), day, hour):
                        file.write(orjson.dumps({"frame": frame}) + b"\n")
            import_streams([lines], target)
        target.chmod(0o644)


def main(captures: Path) -> None:
    """Import every sample."""
    make_week(captures)
    shutil.copyfile(TAPPED, HERE / "tapped_menu.parquet")
    for name, streams in SAMPLES.items():
        target = HERE / f"{name}.parquet"
        header = import_streams([stream(captures, s) for s in streams], target, force=True)
        target.chmod(0o644)  # samples are for everybody
        print(f"{target.name}: {header.events:,} events, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make samples CAPTURES=DIR (a folder with ivr_dtmf/all.jsonl and the others)")
    main(Path(sys.argv[1]))
