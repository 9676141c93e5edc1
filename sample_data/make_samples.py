"""Make the samples again from recorded streams: `make samples CAPTURES=DIR`."""

import sys
from pathlib import Path

from arirecord.capture.importer import import_streams

HERE = Path(__file__).parent

SAMPLES = {
    "ivr_dtmf": ["ivr_dtmf/all.jsonl"],
    "transfers": ["blind_transfer/all.jsonl", "attended_transfer/all.jsonl"],
    "failed_calls": ["busy_noanswer_cancel/all.jsonl"],
    "busy_hour": ["mixed_load/all.jsonl"],
}
"""Session → the recorded streams it is made of, one after the other."""


def stream(captures: Path, name: str) -> Path:
    """The recorded stream, compressed or not. Raises `FileNotFoundError`."""
    for path in (captures / name, captures / f"{name}.zst"):
        if path.exists():
            return path
    raise FileNotFoundError(f"{captures} has no {name}")


def main(captures: Path) -> None:
    """Import every sample."""
    for name, streams in SAMPLES.items():
        target = HERE / f"{name}.parquet"
        header = import_streams([stream(captures, s) for s in streams], target, force=True)
        target.chmod(0o644)  # samples are for everybody
        print(f"{target.name}: {header.events:,} events, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make samples CAPTURES=DIR (a folder with ivr_dtmf/all.jsonl and the others)")
    main(Path(sys.argv[1]))
