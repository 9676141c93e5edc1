"""`arirecord tap` as it is started and ended: in order, with TLS, for a while, with a full disk."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from .tap_world import LOGIN, Asterisk, client, dial, raws, rows, serving, world


async def closed_then(end: ClientConnection, event: asyncio.Event) -> None:
    with pytest.raises(ConnectionClosed):
        await end.recv()
    event.set()


async def test_the_end_is_orderly(tmp_path: Path) -> None:
    """Both ends get a Close frame, and a request that is being answered is answered."""
    target = tmp_path / "s.parquet"
    async with client() as http, asyncio.TaskGroup() as tasks:
        async with world(target, fan_out=True) as here:
            app, copy = await dial(here), await dial(here)
            asterisk = await here.asterisk.peers.get()
            here.asterisk.news.clear()
            here.asterisk.release = asyncio.Event()
            asking = tasks.create_task(http.get(f"{here.http}/slow"))
            await here.asterisk.news.wait()
            ending = tasks.create_task(closed_then(app, here.asterisk.release))
        assert (await asking).status_code == 200
        await ending
        await closed_then(copy, asyncio.Event())
        assert app.close_code == copy.close_code == 1001
        assert (await asterisk.said.get())[0] == 1001

    assert rows(target, "connection")[-1]["reason"] == "the recording was stopped"
    assert [row["status"] for row in rows(target, "rest")] == [200]


async def test_tls(tmp_path: Path, certificate: Path) -> None:
    """A certificate that nobody vouches for is refused; with its authority both kinds of requests pass."""
    from arirecord.capture.address import Address
    from arirecord.capture.recorder import Recorder
    from arirecord.tap import Tap, TapOptions

    recorder = Recorder(tmp_path / "s.parquet", {})
    async with serving(Asterisk(), certificate) as asterisk, client() as http:
        plain = Address.parse(asterisk.url)
        async with Tap(TapOptions(plain, port=0), lambda: recorder) as tap:
            answer = await http.get(f"{tap.url}/x")
            assert answer.status_code == 502
            assert "--ca" in answer.text
        for address in (plain.trusting(certificate), plain.trusting(None, insecure=True)):
            async with Tap(TapOptions(address, port=0), lambda: recorder) as tap:
                assert (await http.get(f"{tap.url}/x")).status_code == 200
                url = f"ws{tap.url.removeprefix('http')}/events?app=a"
                async with connect(url, additional_headers=LOGIN, proxy=None) as app:
                    await (await asterisk.peers.get()).send("over TLS")
                    assert await app.recv() == "over TLS"
    recorder.close()
    recorder.seal()

    assert raws(tmp_path / "s.parquet") == ["over TLS"] * 2


COMMAND = [sys.executable, "-c", "import arirecord.cli as cli; cli.main()", "tap"]


async def start(*arguments: str, code: str = "") -> tuple[asyncio.subprocess.Process, str]:
    """The real command, and the URL it listens on."""
    program = [sys.executable, "-c", code + COMMAND[2], "tap"]
    process = await asyncio.create_subprocess_exec(
        *program, "--listen", ":0", *arguments, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    words = ""
    while "Connect your app to " not in words:
        line = (await process.stderr.readline()).decode()
        assert line, words
        words += line
    return process, words.partition("Connect your app to ")[2].partition(" ")[0]


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
async def test_the_command(tmp_path: Path, signal: str) -> None:
    """Records until a signal; seals; exit code 0."""
    import signal as signals

    target = tmp_path / "s.parquet"
    async with serving(Asterisk()) as asterisk, client() as http:
        process, url = await start("--upstream", asterisk.url, "-o", str(target))
        async with connect(f"ws{url.removeprefix('http')}/events?app=a", additional_headers=LOGIN, proxy=None) as app:
            await (await asterisk.peers.get()).send("hello")
            assert await app.recv() == "hello"
            await http.get(f"{url}/channels")
            process.send_signal(getattr(signals, signal))
            with pytest.raises(ConnectionClosed):
                await app.recv()
            assert app.close_code == 1001
        _, words = await process.communicate()
        assert process.returncode == 0, words.decode()
        assert b"1 events" in words

    assert raws(target) == ["hello"]
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]  # noqa: ASYNC240 - nothing else runs


@pytest.mark.slow
async def test_for_a_while(tmp_path: Path) -> None:
    """With --duration it ends by itself, in good order."""
    async with serving(Asterisk()) as asterisk:
        process, _ = await start("--upstream", asterisk.url, "-o", str(tmp_path / "s.parquet"), "--duration", "1s")
        _, words = await process.communicate()
        assert process.returncode == 0, words.decode()
    assert raws(tmp_path / "s.parquet") == []


FULL = """
import errno, os
from arirecord.session import journal
def full(fd, data): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
before = journal.JournalWriter.write_together
def write(self, rows):
    os.write = full
    before(self, rows)
journal.JournalWriter.write_together = write
"""


async def test_a_full_disk(tmp_path: Path) -> None:
    """The application goes on; it is said at once, and at the end with exit code 3."""
    async with serving(Asterisk()) as asterisk, client() as http:
        process, url = await start("--upstream", asterisk.url, "-o", str(tmp_path / "s.parquet"), code=FULL)
        assert process.stderr is not None
        async with connect(f"ws{url.removeprefix('http')}/events?app=a", additional_headers=LOGIN, proxy=None) as app:
            peer = await asterisk.peers.get()
            while b"THE DISK REFUSES" not in (line := await process.stderr.readline()):
                assert line
            assert b"No space left" in line
            for n in range(100):
                await peer.send(str(n))
                assert await app.recv() == str(n)
            assert (await http.get(f"{url}/channels")).status_code == 200
            process.terminate()
        _, words = await process.communicate()
        assert process.returncode == 3, words.decode()
        assert b"could not be finished" in words
        assert b"100 events are LOST" in words
        assert b"recover" in words


FAULTY = """
from arirecord.session import journal
before = journal.JournalWriter.write_together
def write(self, rows):
    if any(b"last" in texts for _, _, _, texts in rows):
        raise MemoryError
    before(self, rows)
journal.JournalWriter.write_together = write
"""


async def test_a_writer_that_fails(tmp_path: Path) -> None:
    """The application goes on; it is said at once, and at the end how many events are missing, with exit code 3."""
    target = tmp_path / "s.parquet"
    async with serving(Asterisk()) as asterisk:
        process, url = await start("--upstream", asterisk.url, "-o", str(target), code=FAULTY)
        assert process.stderr is not None
        async with connect(f"ws{url.removeprefix('http')}/events?app=a", additional_headers=LOGIN, proxy=None) as app:
            peer = await asterisk.peers.get()
            await peer.send("last")
            while b"THE RECORDER FAILED" not in (line := await process.stderr.readline()):
                assert line
            for n in range(100):
                await peer.send(str(n))
                assert await app.recv() == ("last" if n == 0 else str(n - 1))
            process.terminate()
        _, words = await process.communicate()
        assert process.returncode == 3, words.decode()
        assert b"s.parquet: 0 events" in words
        assert b"101 events were LOST: the recorder failed (MemoryError())" in words


def test_a_failed_start_leaves_nothing(tmp_path: Path) -> None:
    """A port in use, an output that exists: one sentence each."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "old.parquet").write_text("precious")
        for arguments, word in (
            (["--listen", f":{port}", "-o", str(tmp_path / "s.parquet")], "in use"),
            (["--listen", ":0", "-o", str(tmp_path / "old.parquet")], "exists"),
        ):
            done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
            assert done.returncode == 1
            assert word in done.stderr
            assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.parquet"]
