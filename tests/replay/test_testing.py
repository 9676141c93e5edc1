"""A recording as a fixture in somebody else's tests, and as a context manager."""

import asyncio
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

import arirecord
from arirecord.replay.api import NotAsked
from tests.waiting import HANG_S

from .apps import ivr

MENU = Path(__file__).parent / "recordings" / "menu.parquet"
SUITE = '''
import asyncio, json, os, subprocess, sys

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

APP = {app!r}


@pytest.fixture
def app(ari):
    """An app as a program of its own."""
    program = subprocess.Popen([sys.executable, APP], env={{**os.environ, "ARI_URL": ari.url, "ARI_APP": ari.app}})
    yield program
    program.kill()
    program.wait()


@pytest.mark.arirecord("menu.parquet", speed="max", pace="client")
def test_my_app(ari, app):
    answered = ari.expect("POST", "/channels/*/answer", timeout=60)  # the app has yet to start
    played = ari.expect("post", "/channels/*/play/*", media="sound:vm-enter-num-to-call")
    assert (answered.status, played.status) == (204, 201)
    dialled = ari.expect("POST", "/channels")
    assert dialled.body["endpoint"] == "PJSIP/1002"
    ari.wait_end()
    ari.expect("DELETE", "/channels/*", reason="normal")
    assert len(ari.requests) == 42


@pytest.mark.arirecord("menu.parquet", speed=50, start_paused=True)
def test_time(ari):
    with connect(ari.ws_url + "?app=" + ari.app) as connection:
        with pytest.raises(TimeoutError):
            connection.recv(0.1)
        ari.resume()
        assert json.loads(connection.recv())["type"] == "StasisStart"
        ari.pause()
        ari.seek(ari.status["duration_s"])
        ari.set_speed("max")
        ari.resume()
        ari.wait_end()
        assert ari.status["finished"]


@pytest.mark.arirecord("menu.parquet", speed="max", pace="client")
def test_failures(ari, app):
    ari.answer("POST /channels/*/play/*", 500, count=1)
    ari.answer("POST /channels/*/answer", delay_s=0.1, count=1)
    failed = ari.expect("POST", "/channels/*/play/*", timeout=60)
    assert failed.status == 500
    assert ari.expect("POST", "/channels/*/play/*", timeout=60).status == 201
    ari.wait_quiet()
    ari.never("POST", "/channels/*/hold")
    with pytest.raises(AssertionError, match="must not come"):
        ari.never("POST", "/channels/*/answer")
    with pytest.raises(ValueError, match="METHOD /PATH"):
        ari.answer("/channels", 500)


@pytest.mark.arirecord("menu.parquet", speed="max", pace="client")
def test_verified(ari, app):
    ari.expect("POST", "/channels/*/answer", timeout=60)
    ari.verify()
    answered, played = ari.expect_in_order("POST /channels/*/answer", "POST /channels/*/play/*?media=sound:vm-sorry")
    assert answered.path != played.path
    with pytest.raises(AssertionError, match="^POST /channels/.* came before DELETE /channels/.*, not after it$"):
        wrong = ("DELETE /channels/*?reason=normal", "POST /channels/*/play/*?media=sound:vm-goodbye")
        ari.expect_in_order(*wrong, timeout=0.2)


@pytest.mark.arirecord("menu.parquet", speed="max", pace="client", pace_timeout_s=0.1, pace_settle_s=0)
def test_differs(ari):
    with connect(ari.ws_url + "?app=" + ari.app):
        with pytest.raises(AssertionError) as differs:
            ari.verify()
        assert "- POST /channels/1795489529.18/answer" in str(differs.value)
        ari.verify(ignore=["* *"])


@pytest.mark.arirecord("menu.parquet", start_paused=True)
def test_an_event_of_ones_own(ari):
    with connect(ari.ws_url + "?app=mine") as connection:
        ari.send({{"type": "TextMessageReceived", "message": {{"from": "x", "to": "y", "body": "hi"}}}})
        event = json.loads(connection.recv())
        assert (event["type"], event["application"], event["message"]["body"]) == ("TextMessageReceived", "mine", "hi")
        assert event["timestamp"] and event["asterisk_id"]
        ari.send({{"type": "ApplicationReplaced", "application": "other"}})
        with pytest.raises(TimeoutError):
            connection.recv(0.2)
        with pytest.raises(ValueError, match="type"):
            ari.send({{}})


@pytest.mark.arirecord("menu.parquet", speed="max")
async def async_test(ari):
    with pytest.raises(RuntimeError, match="await ari.expected"):
        ari.expect("GET", "/channels")
    async with connect_async(ari.ws_url + "?app=other"):
        with pytest.raises(AssertionError, match="No request GET /channels/x within 0.1 s; no other request"):
            await ari.expected("GET", "/channels/x", timeout=0.1)
        with pytest.raises(AssertionError, match="- POST"):
            await ari.verified()
        await ari.ended()


def test_a_check(check_recording):
    assert check_recording("menu.parquet", "linter").is_ok
    with pytest.raises(AssertionError, match="(?s)error  few: .*1 failed"):
        check_recording("menu.parquet", "few.toml")


@pytest.mark.arirecord("menu.parquet", speed="max")
def test_async(ari):
    asyncio.run(async_test(ari))
'''


def outcome(folder: Path, text: str, *options: str) -> str:
    """What pytest says of a suite of somebody who installed arirecord."""
    (folder / "test_mine.py").write_text(textwrap.dedent(text))
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=HANG_S, check=False)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_recording_is_a_fixture(tmp_path: Path) -> None:
    """The plugin is found without a word, and its mark is known."""
    (tmp_path / "menu.parquet").symlink_to(MENU)
    (tmp_path / "few.toml").write_text("version = 1\n[rules.few]\ntitle = 'few calls'\ncheck = 'calls.count < 1'\n")
    said = outcome(tmp_path, SUITE.format(app=ivr.__file__))

    assert "8 passed" in said, said


@pytest.mark.slow
def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    """No mark, no file, no such option."""
    said = outcome(
        tmp_path,
        """
        import pytest

        def test_without(ari): ...

        @pytest.mark.arirecord("nosuch.parquet")
        def test_missing(ari): ...

        @pytest.mark.arirecord(__file__, sped=5)
        def test_option(ari): ...
        """,
    )

    assert "3 errors" in said
    assert '@pytest.mark.arirecord("FILE.parquet")' in said
    assert "recording not found" in said and "nosuch.parquet" in said
    assert "sped" in said


@pytest.mark.slow
def test_a_failure_shows_the_line_of_the_test(tmp_path: Path) -> None:
    """And none of the frames in which it was found."""
    (tmp_path / "menu.parquet").symlink_to(MENU)
    said = outcome(
        tmp_path,
        """
        import pytest

        @pytest.mark.arirecord("menu.parquet", speed="max", start_paused=True)
        def test_missing(ari):
            ari.expect("POST", "/channels/*/answer", timeout=0.1)

        @pytest.mark.arirecord("menu.parquet", speed="max", start_paused=True)
        def test_never(ari):
            ari.expect_in_order("POST /channels/*/answer", timeout=0.1)
        """,
    )

    assert "2 failed" in said, said
    assert "No request POST /channels/*/answer within 0.1 s; no other request either" in said
    assert not [name for name in ("testing.py", "api.py", "_base.py", "request_log.py") if f"{name}:" in said], said


@pytest.mark.slow
def test_who_does_not_use_it_does_not_load_it(tmp_path: Path) -> None:
    """Nothing but the plugin's own module."""
    said = outcome(
        tmp_path,
        """
        import sys

        def test_loaded():
            assert "arirecord.testing" in sys.modules
            assert not {"arirecord.replay", "pyarrow", "duckdb", "uvicorn"} & set(sys.modules)
        """,
    )

    assert "1 passed" in said, said


@pytest.mark.slow
def test_as_a_context_manager() -> None:
    """In a program's own event loop."""

    async def main() -> None:
        async with (
            arirecord.replay(MENU, speed="max", pace="client", pace_timeout_s=0.05) as ari,
            httpx2.AsyncClient(base_url=ari.url, trust_env=False) as http,
            connect(f"{ari.ws_url}?app={ari.app}", proxy=None) as connection,
        ):
            channel = json.loads(await connection.recv())["channel"]["id"]
            async with asyncio.TaskGroup() as tasks:
                expecting = tasks.create_task(ari.expect("POST", "/channels/*/play", media="sound:hi", lang="de"))
                await http.post(f"/channels/{channel}/play", params={"lang": "en", "media": "sound:hi"})
                await http.post(f"/channels/{channel}/play", json={"lang": "de", "media": "sound:hi"})
            assert expecting.result().path == f"/channels/{channel}/play"
            with pytest.raises(NotAsked, match="lang=en") as refused:
                await ari.expect("POST", "/channels/*/play", timeout=0.05, lang="fr")
            assert "lang=de" not in str(refused.value)
            assert [request.parameters["lang"] for request in ari.requests] == ["en", "de"]
            await ari.wait_end()

    asyncio.run(asyncio.wait_for(main(), HANG_S))
