"""Recordings that a test makes itself, with a PBX behind it: here `arirecord replay`."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from arirecord.session.reader import open_session
from arirecord.testing import Ari
from tests.waiting import HANG_S

from .apps import ivr

MENU = Path(__file__).parent / "recordings" / "menu.parquet"
SUITE = """
import os, subprocess, sys

import pytest


@pytest.mark.arirecord("calls.parquet", app="menu", speed="max", pace="client", pace_timeout_s=20)
def test_my_app(ari):
    environment = {{**os.environ, "ARI_URL": ari.url, "ARI_APP": ari.app, "ARI_USER": "u", "ARI_PASSWORD": "p"}}
    with subprocess.Popen([sys.executable, {app!r}], env=environment) as app:
        try:
            ari.expect("POST", "/channels/*/answer", timeout=60)
            ari.expect("DELETE", "/bridges/*", timeout=60)
            ari.verify()
            assert ari.is_recording == {records}
            assert len(ari.requests) == 42
            {more}
        finally:
            app.kill()
"""


def outcome(folder: Path, records: bool, *options: str, more: str = "", app: str = ivr.__file__) -> str:
    suite = SUITE.format(app=app, records=records, more=more)
    (folder / "test_mine.py").write_text(textwrap.dedent(suite))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *options, str(folder)]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HANG_S)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_missing_recording_is_made_once(tmp_path: Path) -> None:
    """The test that records passes against its recording: with all that the app asked, and the app may be another."""
    with Ari(MENU, speed="max", pace="client", pace_timeout_s=20) as pbx:
        said = outcome(tmp_path, True, f"--arirecord-record={pbx.url}")
    target = tmp_path / "calls.parquet"
    assert "1 passed" in said and f"arirecord: recorded {target}" in said, said
    assert open_session(target).header.source["verb"] == "tap"
    assert [path.name for path in tmp_path.glob("*.parquet*")] == ["calls.parquet"]
    before = target.read_bytes()

    said = outcome(tmp_path, False, "--arirecord-record=http://127.0.0.1:9/ari")
    assert "1 passed" in said and "recorded" not in said, said
    assert "1 passed" in outcome(tmp_path, False)
    assert target.read_bytes() == before


@pytest.mark.slow
def test_a_failed_test_makes_no_recording(tmp_path: Path) -> None:
    """What happened is kept beside it, and an earlier recording stays."""
    target = tmp_path / "calls.parquet"
    target.write_bytes(MENU.read_bytes())
    with Ari(MENU, speed="max", pace="client", pace_timeout_s=20) as pbx:
        options = (f"--arirecord-record={pbx.url}", "--arirecord-mode=all")
        said = outcome(tmp_path, True, *options, more='ari.answer("GET *", 500)')

    assert "1 failed" in said and "ari.answer needs a replay" in said, said
    assert target.read_bytes() == MENU.read_bytes()
    assert open_session(tmp_path / "calls.failed.parquet").header.events == 155


@pytest.mark.slow
def test_a_recording_that_lacks_a_request_is_put_aside(tmp_path: Path) -> None:
    target = tmp_path / "calls.parquet"
    target.write_bytes(MENU.read_bytes())
    more = 'import urllib.request as r; r.urlopen(r.Request(ari.url + "/bridges?name=new", method="POST")).read()'
    options = ("--arirecord-record=http://127.0.0.1:9/ari", "--arirecord-mode=new")
    assert "1 passed" in outcome(tmp_path, False, *options)
    assert target.exists()
    said = outcome(tmp_path, False, *options, more=more)

    assert "lacks POST /bridges?name=new" in said, said
    assert not target.exists() and (tmp_path / "calls.parquet.old").exists()


@pytest.mark.slow
def test_without_an_address_nothing_is_recorded(tmp_path: Path) -> None:
    said = outcome(tmp_path, True)
    assert "--arirecord-record=URL makes it" in said
    said = outcome(tmp_path, True, "--arirecord-record=http://127.0.0.1:9/ari", "--arirecord-mode=none")
    assert "--arirecord-record=URL makes it" in said
    said = outcome(tmp_path, True, "--arirecord-record=nonsense")
    assert "is not an address of an ARI" in said
    assert not list(tmp_path.glob("*.parquet*"))
