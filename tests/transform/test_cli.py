"""The verbs, run as a user runs them."""

import json
from pathlib import Path

import pytest

from arirecord.session.reader import open_session
from tests.cli.conftest import SAMPLES, Run, run

pytestmark = pytest.mark.slow

__all__ = ["run"]  # the fixture

IVR = SAMPLES / "ivr_dtmf.parquet"


def test_filter(run: Run, tmp_path: Path) -> None:
    """Makes a session once; says what is wrong otherwise."""
    told = run("filter", IVR, "--type", "ChannelDtmfReceived", "-o", "part.parquet").stderr.decode()
    count = open_session(tmp_path / "part.parquet").header.events

    assert told == f"part.parquet: {count} of 230 events.\n"
    assert b"--force" in run("filter", IVR, "--type", "Dial", "-o", "part.parquet", code=1).stderr
    assert b"Nothing to filter by" in run("filter", IVR, "-o", "x.parquet", code=2).stderr
    assert b"has no call 1.1" in run("filter", IVR, "--call", "1.1", "-o", "x.parquet", code=1).stderr


def test_merge(run: Run, tmp_path: Path) -> None:
    """A session with itself is itself; one alone is wrong usage."""
    told = run("merge", IVR, IVR, "-o", "both.parquet").stderr.decode()

    assert "clock +0.000000 s" in told and "230 duplicate rows" in told
    assert open_session(tmp_path / "both.parquet").header.events == 230
    assert b"two or more sessions" in run("merge", IVR, "-o", "x.parquet", code=2).stderr


def test_export(run: Run, tmp_path: Path) -> None:
    """To a file, a folder and stdout."""
    lines = run("export", IVR, "--format", "jsonl", "-o", "-").stdout
    run("export", IVR, "--format", "jsonl", "-o", "out.jsonl")
    run("export", IVR, "--by-type", "-o", "out")
    call = run("query", IVR, "SELECT min(call_id) AS c FROM calls", "--format", "jsonl").stdout
    part = run("export", IVR, "--call", json.loads(call)["c"], "--format", "jsonl", "-o", "-").stdout

    assert (tmp_path / "out.jsonl").read_bytes() == lines
    assert len(list((tmp_path / "out").iterdir())) == len(open_session(IVR).header.types)
    assert set(part.splitlines()) < set(lines.splitlines())
    assert b"stdout" in run("export", IVR, "-o", "-", code=2).stderr
    assert b"not empty" in run("export", IVR, "--by-type", "-o", "out", code=1).stderr


def test_redact(run: Run, tmp_path: Path) -> None:
    """With a key; a key that is none and a country that is none are said."""
    (tmp_path / "key").write_text("a key of more than sixteen bytes\n")
    (tmp_path / "short").write_text("short\n")
    redact = ("redact", IVR, "-o", "red.parquet", "--key-file")
    told = run(*redact, "key", "--min-digits", "4", "--dtmf", "mask-all").stderr.decode()

    assert "No original of 6 numbers and 4 names was found in any decoding tried." in told
    assert set(digits(tmp_path / "red.parquet")) == {"X"} and len(digits(tmp_path / "red.parquet")) == len(digits(IVR))
    assert b'"1001"' not in b"".join(
        f.raw.encode() for f in open_session(tmp_path / "red.parquet").frames(types=["Dial"])
    )
    assert b"needs 16 bytes" in run(*redact, "short", "--force", code=1).stderr
    assert b"XX is not a country" in run(*redact, "key", "--region", "xx", "--force", code=2).stderr
    assert b"--force" in run(*redact, "key", code=1).stderr


def test_redact_without_a_key(run: Run, tmp_path: Path) -> None:
    """A random one is used and forgotten, and the result says so."""
    for name in ("a.parquet", "b.parquet"):
        told = run("redact", IVR, "-o", name, "--min-digits", "4").stderr.decode()
        assert "A random key was used and forgotten: pseudonyms differ from run to run." in told
    one, two = ([f.raw for f in open_session(tmp_path / name).frames()] for name in ("a.parquet", "b.parquet"))
    assert one != two


def test_a_key_that_others_can_read(run: Run, tmp_path: Path) -> None:
    """The command warns."""
    (tmp_path / "key").write_text("a key of more than sixteen bytes\n")
    (tmp_path / "key").chmod(0o644)
    assert b"Other users can read key" in run("redact", IVR, "-o", "a.parquet", "--key-file", "key").stderr
    (tmp_path / "key").chmod(0o600)
    assert b"Other users" not in run("redact", IVR, "-o", "b.parquet", "--key-file", "key").stderr


def digits(session: Path) -> list[str]:
    return [json.loads(f.raw)["digit"] for f in open_session(session).frames(types=["ChannelDtmfReceived"])]


@pytest.mark.parametrize("form", ["table", "csv"])
def test_diff(run: Run, form: str) -> None:
    """Exit code 0 without and 1 with a difference, in each form."""
    if form == "table":
        assert b"No difference: 6 calls" in run("diff", IVR, IVR).stderr
    run("filter", IVR, "--until", "+12s", "-o", "part.parquet")
    told = run("diff", IVR, "part.parquet", "--format", form, code=1)

    assert b"only in A" in told.stdout
    assert b"differences" in told.stderr
