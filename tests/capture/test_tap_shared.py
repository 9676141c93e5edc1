"""One tap, several clients: more applications, copies of a stream, slow ones; and what is broken or kept secret."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from .tap_world import AUTHORIZATION, FRAMES, HANDSHAKE, TOKEN, client, dial, everything, raws, rows, world


async def test_two_applications_at_once(tmp_path: Path) -> None:
    """Each gets its own, both are in one recording; whose a REST request is, is said where it can be one's only."""
    target = tmp_path / "s.parquet"
    async with world(target) as here, client() as http, dial(here, "one") as one:
        first = await here.asterisk.peers.get()
        await http.get(f"{here.http}/ones")
        two = await dial(here, "two")
        second = await here.asterisk.peers.get()
        await second.send("for two")
        await first.send("for one")
        assert await one.recv() == "for one"
        assert await two.recv() == "for two"
        assert here.tap.status.applications == 2
        await http.get(f"{here.http}/whose")
        await two.close()

    opened = [row["application"] for row in rows(target, "connection") if row["type"] == "opened"]
    ones, whose = rows(target, "rest")
    assert opened == ["one", "two"]
    assert sorted(raws(target)) == ["for one", "for two"]
    assert "(" not in whose["client"]
    assert ones["client"].endswith(" (one)")


async def test_fan_out(tmp_path: Path) -> None:
    """A second client of an application reads a copy, can't say anything, and survives the application's absence."""
    target = tmp_path / "s.parquet"
    async with world(target, fan_out=True) as here:
        app = await dial(here, subprotocols=[Subprotocol("ari")])
        asterisk = await here.asterisk.peers.get()
        async with dial(here, subprotocols=[Subprotocol("ari")]) as copy, dial(here, "other"):
            assert copy.subprotocol == "ari"
            await copy.send('{"type":"RESTRequest","method":"DELETE","uri":"channels/1"}')
            await (await copy.ping())
            await asterisk.send("for both")
            assert await copy.recv() == await app.recv() == "for both"
            assert here.tap.status.copies == 1
            await app.close()
            await here.told("'app' from")
            app = await dial(here)
            await here.asterisk.peers.get()  # the other application
            asterisk = await here.asterisk.peers.get()
            await asterisk.send("again")
            assert await copy.recv() == await app.recv() == "again"
            await app.send("only this")
            assert await asterisk.said.get() == "only this"
        assert here.asterisk.peer_count == 3
        await app.close()

    assert raws(target) == ["for both", "again"]


async def test_a_copy_needs_credentials(tmp_path: Path) -> None:
    """Asterisk is asked, and its refusal passed on."""
    async with world(tmp_path / "s.parquet", fan_out=True) as here, dial(here):
        with pytest.raises(InvalidStatus) as refused:
            await connect(here.events(), proxy=None)
        assert refused.value.response.status_code == 401
        assert "WWW-Authenticate" in refused.value.response.headers
        assert here.asterisk.peer_count == 1
        assert here.asterisk.asked[0].target == "/ari/asterisk/ping"


async def test_a_copy_of_one_of_two(tmp_path: Path) -> None:
    """Of a connection for several applications, a copy gets what it asked for."""
    async with world(tmp_path / "s.parquet", fan_out=True) as here, dial(here, "a,b") as app:
        asterisk = await here.asterisk.peers.get()
        async with dial(here, "b") as copy:
            for name in "aba":
                await asterisk.send(f'{{"application":"{name}"}}')
                await app.recv()
            await asterisk.send('{"application":"b","last":1}')
            assert await copy.recv() == '{"application":"b"}'
            assert await copy.recv() == '{"application":"b","last":1}'


def stuck(port: int, target: bytes) -> socket.socket:
    """A client that asks and never reads."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.connect(("127.0.0.1", port))
    request = HANDSHAKE % target
    found.sendall(request[:-2] + f"Authorization: {AUTHORIZATION}\r\n\r\n".encode())
    return found


@pytest.mark.slow
async def test_a_slow_application_is_cut_and_the_recording_goes_on(tmp_path: Path) -> None:
    """Asterisk is read all the time; once another client has the application, its old connection ends."""
    target = tmp_path / "s.parquet"
    frames = [f'{{"n":{n},"x":"{"x" * 10_000}"}}' for n in range(2000)]
    replaced = '{"type":"ApplicationReplaced","application":"app"}'
    async with world(target, max_behind_bytes=1 << 20) as here:
        slow = await asyncio.to_thread(stuck, here.tap.port, b"/ari/events?app=app")
        asterisk = await here.asterisk.peers.get()
        for frame in frames:
            await asterisk.send(frame)
        await here.told("CUT")
        async with dial(here) as app:
            successor = await here.asterisk.peers.get()
            await asterisk.send(replaced)
            await asterisk.gone.wait()
            await successor.send("goes on")
            assert await app.recv() == "goes on"
        slow.close()

    assert raws(target) == [*frames, replaced, "goes on"]
    closed = [row["reason"] for row in rows(target, "connection") if row["type"] == "closed"]
    assert closed[0] == "the application did not read and was cut"


@pytest.mark.slow
async def test_a_slow_copy_is_cut_and_nobody_else(tmp_path: Path) -> None:
    """The application gets everything."""
    frames = [f'{{"n":{n},"x":"{"x" * 10_000}"}}' for n in range(2000)]
    async with world(tmp_path / "s.parquet", max_behind_bytes=1 << 20, fan_out=True) as here, dial(here) as app:
        asterisk = await here.asterisk.peers.get()
        slow = await asyncio.to_thread(stuck, here.tap.port, b"/ari/events?app=app")
        await here.told("reads a copy")
        for frame in frames:
            await asterisk.send(frame)
            assert await app.recv() == frame
        await here.told("CUT")
        slow.close()


async def test_asterisk_is_down(tmp_path: Path) -> None:
    """502 with a sentence, for both kinds of requests; it is said, and recorded; later it works."""
    target = tmp_path / "s.parquet"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        upstream = f"http://127.0.0.1:{unused.getsockname()[1]}/ari"
        async with world(target, upstream=upstream) as here, client() as http:
            answer = await http.post(f"{here.http}/channels", content=b"x" * 300_000)
            assert answer.status_code == 502
            assert "nothing listens at" in answer.text
            assert (await http.head(f"{here.http}/channels")).status_code == 502
            with pytest.raises(InvalidStatus) as refused:
                await connect(here.events(), proxy=None)
            assert refused.value.response.status_code == 502
            assert sum("502" in sentence for sentence in here.said) == 3

    assert [row["status"] for row in rows(target, "rest")] == [502, 502, 502]


async def test_credentials_are_nowhere(tmp_path: Path) -> None:
    """Not in the session, not in what is said: password, token, SIP passwords that ARI sets."""
    target = tmp_path / "s.parquet"
    key = "&api_key=ari%3As3cret-p%C3%A4ssword"
    fields = {"fields": [{"attribute": "username", "value": "100"}, {"attribute": "password", "value": "sip-secret"}]}
    async with world(target) as here, client() as http:
        async with connect(here.events("app", key), proxy=None) as app:
            await app.send('{"type":"RESTRequest","uri":"x?password=sip-secret","method":"GET"}')
            await (await here.asterisk.peers.get()).send('{"type":"RESTResponse","status_code":200}')
            await app.recv()
        await http.get(f"{here.http}/channels?x=1{key}&y=2")
        await http.put(f"{here.http}/asterisk/config/dynamic/res_pjsip/auth/1?z=1", json=fields)
        await http.post(f"{here.http}/form", data={"a": "b", "api_key": "form-secret"})
        assert orjson.loads(here.asterisk.asked[1].body) == fields
        assert b"form-secret" in here.asterisk.asked[2].body
        assert not [s for s in here.said if "s3cret" in s or TOKEN in s]

    text = everything(target)
    for secret in ("s3cret", TOKEN, "sip-secret", "form-secret", "api_key"):
        assert secret not in text
        assert secret.encode() not in target.read_bytes()
    assert [row["uri"] for row in rows(target, "rest")][1] == "/ari/channels?x=1&y=2"
    assert "username" in text


class BrokenRecorder:
    """Takes nothing."""

    def __init__(self, recorder: Any) -> None:
        self.stats = recorder.stats

    def frame(self, data: bytes) -> None:
        raise RuntimeError("no more")

    def connection(self, what: str, **fields: Any) -> None:
        raise RuntimeError("no more")

    rest = connection


async def test_a_broken_recorder_does_not_break_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, and counted."""
    async with world(tmp_path / "s.parquet") as here:
        for name in ("frame", "connection", "rest"):
            monkeypatch.setattr(here.recorder, name, getattr(BrokenRecorder(here.recorder), name))
        async with dial(here) as app, client() as http:
            asterisk = await here.asterisk.peers.get()
            for frame in FRAMES:
                await asterisk.send(frame)
                assert await app.recv() == frame
            assert (await http.get(f"{here.http}/x")).status_code == 200
        await here.told("'app' from")
        assert here.tap.status.lost_count == len(FRAMES) + 3
        assert sum("RECORDING IS INCOMPLETE" in sentence for sentence in here.said) == 1
