"""The control API for tests in other languages: the examples of the documentation, run against a replay and an app."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from arirecord.testing import Ari
from tests.waiting import HANG_S

from .apps import ivr

MENU = Path(__file__).parent / "recordings" / "menu.parquet"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "testing"
COMMANDS = {
    "menu.test.mjs": ("node", ["node", "--test"]),
    "menu_test.go": ("go", ["go", "test"]),
    "MenuTest.java": ("java", ["java"]),
}


@contextmanager
def app_running(ari: Ari, source: Path = Path(ivr.__file__)) -> Iterator[None]:
    environment = {**os.environ, "ARI_URL": ari.url, "ARI_APP": ari.app, "ARI_USER": "u", "ARI_PASSWORD": "p"}
    with subprocess.Popen([sys.executable, str(source)], env=environment) as process:
        try:
            yield
        finally:
            process.kill()


def outcome(name: str, ari: Ari, folder: Path) -> subprocess.CompletedProcess[str]:
    program, command = COMMANDS[name]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: the example {name} was NOT run")
    shutil.copy(EXAMPLES / name, folder)
    caches = {"HOME": str(folder), "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    environment = {**os.environ, "ARI_BASE_URL": ari.base_url, **caches}
    return subprocess.run(
        [*command, name], cwd=folder, env=environment, capture_output=True, text=True, timeout=HANG_S, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_passes_for_the_recorded_app(name: str, tmp_path: Path) -> None:
    with Ari(MENU, speed="max", pace="client", pace_timeout_s=30) as ari, app_running(ari):
        done = outcome(name, ari, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_shows_a_bug_as_a_diff(name: str, tmp_path: Path) -> None:
    wrong = tmp_path / "app.py"
    wrong.write_text(Path(ivr.__file__).read_text().replace("sound:vm-goodbye", "sound:vm-nothing"))
    with Ari(MENU, speed="max", pace="client", pace_timeout_s=5) as ari, app_running(ari, wrong):
        done = outcome(name, ari, tmp_path)

    assert done.returncode != 0
    assert "play?media=sound:vm-nothing" in done.stdout + done.stderr


def ask(ari: Ari, verb: str, **given: Any) -> tuple[int, Any]:
    answer = httpx2.post(f"{ari.base_url}/control/{verb}", json=given, trust_env=False)
    return answer.status_code, answer.json()


@pytest.mark.slow
def test_requests_answers_and_events() -> None:
    with Ari(MENU, start_paused=True) as ari, connect(f"{ari.ws_url}?app=mine") as connection:
        assert ask(ari, "answer", request="GET /channels", status=503, count=1) == (200, {})
        assert httpx2.get(f"{ari.url}/channels", trust_env=False).status_code == 503
        assert httpx2.get(f"{ari.url}/channels", trust_env=False).status_code == 200
        requests = httpx2.get(f"{ari.base_url}/control/requests", trust_env=False).json()
        assert [(one["method"], one["path"], one["status"]) for one in requests] == [
            ("GET", "/channels", 503),
            ("GET", "/channels", 200),
        ]
        assert ask(ari, "expect", request="GET /channels")[1]["status"] == 503
        status, failure = ask(ari, "expect", request="DELETE /channels/*", timeout=0.05)
        assert status == 409
        assert failure["message"].startswith("No request DELETE /channels/* within 0.05 s")
        assert ask(ari, "send", type="TextMessageReceived") == (200, {})
        assert '"application":"mine"' in str(connection.recv(HANG_S))
        ari.resume()
        ari.set_speed("max")
        status, failure = ask(ari, "verify", quiet_s=0)
        assert status == 409 and "- POST /channels/1795489529.18/answer" in failure["message"]


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("expect", {}),
        ("expect", {"request": "channels"}),
        ("expect", {"request": "GET /channels", "timeout": -1}),
        ("answer", {"request": "GET /channels"}),
        ("answer", {"request": "GET /channels", "status": "bad"}),
        ("send", {"digit": "1"}),
        ("verify", {"timeout": "soon"}),
        ("verify", {"ignore": "channels"}),
    ],
)
def test_wrong_requests_are_refused(verb: str, given: dict[str, Any]) -> None:
    with Ari(MENU, start_paused=True) as ari:
        status, failure = ask(ari, verb, **given)

        assert status == 400
        assert failure["message"]


def test_other_pages_and_methods_are_refused() -> None:
    """The rules of the control API hold: a web page of another origin cannot read what an app does."""
    with Ari(MENU, start_paused=True) as ari:
        url = f"{ari.base_url}/control/requests"
        assert httpx2.get(url, headers={"Origin": "https://elsewhere.example"}, trust_env=False).status_code == 403
        assert httpx2.get(url, headers={"Host": "elsewhere.example"}, trust_env=False).status_code == 403
        assert httpx2.post(url, trust_env=False).status_code == 405
        assert "requests" in httpx2.get(f"{ari.base_url}/control/nosuch", trust_env=False).json()["message"]
