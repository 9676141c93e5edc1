"""Captures that put their parts into a lake: each row is there once, also after kills and with a store that is away."""

import signal
from pathlib import Path

import pytest
from starlette.websockets import WebSocket

from tests.lake.lakes import rows_of
from tests.lake.object_server import object_server
from tests.waiting import wait_for

from .ari import Ari, running
from .test_capture import capture, finish
from .test_reconnect import hold, sends

pytestmark = pytest.mark.slow

FRAMES = [f'{{"type":"Dial","dialstring":"{number}"}}' for number in range(1000)]


async def sends_and_holds(ari: Ari, socket: WebSocket) -> None:
    for frame in FRAMES:
        await socket.send_text(frame)
    await socket.receive()


def events(lake: Path) -> list[str]:
    return sorted(str(raw) for _, kind, raw in rows_of(lake) if kind == "event")


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.parquet*") if path.is_file()]


def test_parts_move_into_a_lake(tmp_path: Path) -> None:
    """Also those of a recorder that was killed, which the next one puts in. The folder is empty then."""
    folder, lake = tmp_path / "spool", tmp_path / "lake"
    killed = Ari(hold)
    with running(killed):
        process = capture(killed.url, folder, "--rotate", "1h", "--lake", str(lake))
        wait_for(lambda: any(path.stat().st_size for path in parts(folder)))
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: any(lake.rglob("events/*/*/*.parquet")))
        process.kill()
        process.communicate()
    left = parts(folder)
    with running(Ari(sends_and_holds)) as ari:
        process = capture(ari.url, folder, "--rotate", "300", "--lake", str(lake))
        wait_for(lambda: not any(path.exists() for path in left))
        process.send_signal(signal.SIGINT)
        finish(process)

    assert parts(folder) == []
    assert events(lake) == sorted(['{"type":"Dial","dialstring":"held"}', *FRAMES])


def test_parts_wait_for_a_store(tmp_path: Path) -> None:
    """A store that cannot be reached is reported, and its parts stay; the next recording puts them in."""
    pytest.importorskip("moto", reason="needs moto's server")
    folder = tmp_path / "spool"
    with object_server() as server:
        lake = server.path("lake")
        arguments = ("--rotate", "400", "--lake", str(lake))
        with running(Ari(sends(*FRAMES))) as ari:
            words = finish(capture(ari.url, folder, *arguments, AWS_ENDPOINT_URL="http://127.0.0.1:9"), 3)
        assert words.count("can't be reached") > 1
        assert events(folder) == sorted(FRAMES)
        with running(Ari(hold)) as ari:
            process = capture(ari.url, folder, *arguments)
            wait_for(lambda: not [path for path in parts(folder) if path.suffix == ".parquet"])
            process.send_signal(signal.SIGINT)
            finish(process)

        assert parts(folder) == []
        assert events(lake) == sorted([*FRAMES, '{"type":"Dial","dialstring":"held"}'])


@pytest.mark.parametrize(
    ("output", "lake", "says"),
    [
        ("s.parquet", "lake", "add -o FOLDER and --rotate"),
        ("spool/", "spool", "must be folders apart"),
        ("spool/", "spool/lake", "must be folders apart"),
        ("lake/spool/", "lake", "must be folders apart"),
    ],
)
def test_a_folder_of_parts_is_not_within_the_lake(tmp_path: Path, output: str, lake: str, says: str) -> None:
    """Parts that are moved must not be those that are in the lake."""
    target = f"{tmp_path}/{output}"
    assert says in finish(capture("http://127.0.0.1:9", target, "--lake", str(tmp_path / lake)), 2)  # type: ignore[arg-type]
