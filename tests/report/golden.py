"""Draws the ladders of `golden/` anew: `python -m tests.report.golden`, then look at `git diff`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from arirecord.report.build_story import story
from arirecord.report.ladder_mermaid import ladder_mermaid
from arirecord.report.ladder_text import ladder_text
from tests.conftest import make_session, streams

from .test_ladders import CALLS, GOLDEN


def main() -> None:
    """Write all."""
    GOLDEN.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for name, (stream, call_id) in CALLS.items():
            told = story(make_session(streams()[stream], Path(folder) / f"{name}.parquet"), call_id)
            (GOLDEN / f"{name}.txt").write_text(ladder_text(told))
            (GOLDEN / f"{name}.mmd").write_text(ladder_mermaid(told))


if __name__ == "__main__":
    main()
