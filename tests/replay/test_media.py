"""Media of a replay: the WebSocket of chan_websocket, RTP and AudioSocket. The texts are those of Asterisk 22.10.1."""

import asyncio
import json
import socket
import struct
import uuid
import wave
from array import array
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from arirecord.cli import cli
from arirecord.errors import ReplayError
from arirecord.replay.media.audio import Audio, codec_of
from arirecord.testing import Ari
from tests.waiting import HANG_S, wait_for

from .support import make

MENU = Path(__file__).parent / "recordings" / "menu.parquet"


def wav(target: Path, samples: list[int], rate: int = 8000) -> Path:
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(array("h", samples).tobytes())
    return target


def external(ari: Ari, **given: Any) -> dict[str, Any]:
    parameters = {"app": "mine", "format": "ulaw", **given}
    answer = httpx2.post(f"{ari.url}/channels/externalMedia", params=parameters, trust_env=False)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def server_media(ari: Ari, **given: Any) -> tuple[str, str]:
    """The id of a channel and of its connection."""
    fixed = {
        "transport": "websocket",
        "connection_type": "server",
        "external_host": "INCOMING",
        "encapsulation": "none",
    }
    channel = external(ari, **{**fixed, **given})
    connection = channel["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"]
    query = {"variable": "MEDIA_WEBSOCKET_CONNECTION_ID"}
    asked = httpx2.get(f"{ari.url}/channels/{channel['id']}/variable", params=query, trust_env=False)
    assert asked.json() == {"value": connection}
    return channel["id"], connection


def media(ari: Ari, connection: str) -> ClientConnection:
    return connect(f"{ari.base_url.replace('http', 'ws')}/media/{connection}", subprotocols=["media"])  # type: ignore[list-item]


def next_text(connection: ClientConnection) -> str:
    while not isinstance(message := connection.recv(HANG_S), str):
        pass
    return message


def test_the_connection_of_a_media_channel() -> None:
    """It begins with MEDIA_START; audio of the codec's size comes, and what the client sends is counted."""
    with Ari(MENU, start_paused=True) as ari:
        channel, connection = server_media(ari, format="slin16", channelId="my-media")
        with media(ari, connection) as socket:
            assert socket.subprotocol == "media"
            start = str(socket.recv(HANG_S))
            assert start.startswith(f"MEDIA_START connection_id:{connection} channel:WebSocket/INCOMING")
            assert start.endswith(" channel_id:my-media format:slin16 optimal_frame_size:640 ptime:20")
            assert [socket.recv(HANG_S) for _ in range(3)] == [bytes(640)] * 3
            socket.send("START_MEDIA_BUFFERING")
            socket.send(b"x" * 1500)
            socket.send("STOP_MEDIA_BUFFERING x1")
            socket.send("MARK_MEDIA m1")
            socket.send("REPORT_QUEUE_DRAINED")
            texts = [next_text(socket) for _ in range(3)]
            assert texts == ["MEDIA_BUFFERING_COMPLETED x1", "MEDIA_MARK_PROCESSED m1", "QUEUE_DRAINED"]
            socket.send("GET_STATUS")
            status = "queue_length:0 xon_level:800 xoff_level:900 queue_full:false bulk_media:false media_paused:false"
            assert next_text(socket) == f"STATUS channel_id:my-media {status}"
            socket.send("HANGUP")
            with pytest.raises(ConnectionClosed):
                for _ in range(100):
                    socket.recv(HANG_S)
        (shown,) = ari.status["media"]
        assert (shown["channel_id"], shown["received_frames"], shown["received_bytes"]) == (channel, 1, 1500)


def test_a_queue_that_is_full_or_paused() -> None:
    with Ari(MENU, start_paused=True, media="none") as ari:
        _, connection = server_media(ari)
        with media(ari, connection) as socket:
            socket.recv(HANG_S)
            socket.send("PAUSE_MEDIA")
            socket.send(bytes(160) * 900)
            assert socket.recv(HANG_S) == "MEDIA_XOFF"
            socket.send("FLUSH_MEDIA")
            socket.send("CONTINUE_MEDIA")
            assert socket.recv(HANG_S) == "MEDIA_XON"


def test_json_messages_and_a_codec_without_frame_size() -> None:
    with Ari(MENU, start_paused=True) as ari:
        channel, connection = server_media(ari, format="opus", transport_data="f(json)")
        with media(ari, connection) as socket:
            start = json.loads(socket.recv(HANG_S))
            assert (start["event"], start["channel_id"]) == ("MEDIA_START", channel)
            assert (start["format"], start["optimal_frame_size"]) == ("opus", 0)
            socket.send(json.dumps({"command": "MARK_MEDIA", "correlation_id": "m"}))
            error = "MARK_MEDIA not supported in passthrough mode"
            assert json.loads(socket.recv(HANG_S)) == {"event": "ERROR", "channel_id": channel, "error_text": error}
            socket.send("{")
            assert json.loads(socket.recv(HANG_S))["error_text"] == "Unable to parse JSON command"


def test_unknown_and_ended_connections_are_404() -> None:
    with Ari(MENU, start_paused=True) as ari:
        channel, connection = server_media(ari)
        with pytest.raises(InvalidStatus, match="404"), media(ari, "nosuch"):
            pass
        with media(ari, connection) as socket:
            socket.recv(HANG_S)
            assert httpx2.delete(f"{ari.url}/channels/{channel}", trust_env=False).status_code == 204
            with pytest.raises(ConnectionClosed):
                for _ in range(100):
                    socket.recv(HANG_S)
        with pytest.raises(InvalidStatus, match="404"), media(ari, connection):
            pass


def test_a_wav_file_is_sent(tmp_path: Path) -> None:
    """Again and again, in the codec of the channel."""
    path = wav(tmp_path / "tone.wav", list(range(0, 16000, 10)))
    with Ari(MENU, start_paused=True, media=str(path)) as ari:
        _, connection = server_media(ari, format="slin")
        with media(ari, connection) as socket:
            socket.recv(HANG_S)
            samples = array("h", b"".join(bytes(socket.recv(HANG_S)) for _ in range(11)))  # type: ignore[arg-type]
    assert samples[:1600].tolist() == list(range(0, 16000, 10))
    assert samples[1600:1603].tolist() == [0, 10, 20]


def test_rtp_for_a_target() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, Ari(MENU, start_paused=True, media="silence") as ari:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(HANG_S)
        channel = external(ari, external_host=f"127.0.0.1:{udp.getsockname()[1]}")
        packets = [udp.recvfrom(2000) for _ in range(3)]
        udp.sendto(packets[0][0], packets[0][1])
        heads = [struct.unpack("!BBHII", data[:12]) for data, _ in packets]
        assert [head[:4] for head in heads] == [(0x80, 0x80, 0, 0), (0x80, 0, 1, 160), (0x80, 0, 2, 320)]
        assert len({head[4] for head in heads}) == 1
        assert {data[12:] for data, _ in packets} == {b"\xff" * 160}
        wait_for(lambda: ari.status["media"][0]["received_bytes"] == 160)
        httpx2.delete(f"{ari.url}/channels/{channel['id']}", trust_env=False)


def test_audiosocket_for_a_target() -> None:
    number = str(uuid.uuid4())
    with socket.create_server(("127.0.0.1", 0)) as tcp, Ari(MENU, start_paused=True, media="silence") as ari:
        tcp.settimeout(HANG_S)
        where = f"127.0.0.1:{tcp.getsockname()[1]}"
        kinds = {"transport": "tcp", "encapsulation": "audiosocket", "format": "slin"}
        channel = external(ari, external_host=where, data=number, **kinds)
        peer, _ = tcp.accept()
        with peer, peer.makefile("rb") as stream:
            peer.settimeout(HANG_S)
            assert stream.read(19) == b"\x01\x00\x10" + uuid.UUID(number).bytes
            assert stream.read(323) == b"\x10\x01\x40" + bytes(320)
            peer.sendall(b"\x10\x00\x04abcd")
            wait_for(lambda: ari.status["media"][0]["received_bytes"] == 4)
            httpx2.delete(f"{ari.url}/channels/{channel['id']}", trust_env=False)
            while stream.read(1) == b"\x10":
                stream.read(322)
            assert stream.read(2) == b"\x00\x00"


def leg(kind: str, channel_id: str, name: str, application: tuple[str, str] = ("AppDial", ""), **given: Any) -> str:
    """An event of Asterisk 22 about a channel, of which the dialplan has this application with these arguments."""
    dialplan = {"app_name": application[0], "app_data": application[1]}
    channel = {"id": channel_id, "name": name, "state": "Up", "dialplan": dialplan}
    given["peer" if kind == "Dial" else "channel"] = channel
    return json.dumps({"type": kind, **given, "application": "mine"})


def test_legs_that_the_dialplan_makes(tmp_path: Path) -> None:
    """`Dial(WebSocket/INCOMING/c(slin16)n)`, `Dial(AudioSocket/…)` and the dialplan application AudioSocket."""
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        tcp.settimeout(HANG_S)
        where, caller = f"127.0.0.1:{tcp.getsockname()[1]}", {"id": "2", "name": "Local/ws@phones-0;2"}
        name = "WebSocket/INCOMING/0x7f"
        rows = [
            leg("ChannelVarset", "1", name, variable="MEDIA_WEBSOCKET_CONNECTION_ID", value="abc-1"),
            leg("Dial", "1", name, caller=caller, dialstring="INCOMING/c(slin16)n", dialstatus=""),
            leg("ChannelDialplan", "3", "PJSIP/1001-1", ("AudioSocket", f"{first},{where}")),
            leg("Dial", "4", f"AudioSocket/{where}-{second}", dialstring=f"{where}/{second}"),
            leg("Dial", "4", f"AudioSocket/{where}-{second}", caller=caller, dialstring=f"{where}/{second}"),
            leg("ChannelDialplan", "3", "PJSIP/1001-1", ("Hangup", "")),
        ]
        session = make(tmp_path / "s.parquet", enumerate(rows))
        with Ari(session, media="silence", at_end="hold") as ari, connect(f"{ari.ws_url}?app=mine") as events:
            assert [json.loads(events.recv(HANG_S))["type"] for _ in rows] == [json.loads(row)["type"] for row in rows]
            with media(ari, "abc-1") as websocket:
                assert "format:slin16 optimal_frame_size:640" in str(websocket.recv(HANG_S))
            streams = []
            for _ in range(2):
                peer, _ = tcp.accept()
                peer.settimeout(HANG_S)
                streams.append((peer, peer.makefile("rb")))
            heads = {stream.read(19)[3:]: stream for _, stream in streams}
            assert heads.keys() == {uuid.UUID(first).bytes, uuid.UUID(second).bytes}
            assert heads[uuid.UUID(second).bytes].read(323) == b"\x10\x01\x40" + bytes(320)
            ended = heads[uuid.UUID(first).bytes]
            while ended.read(1) == b"\x10":  # the channel went on in the dialplan
                ended.read(322)
            assert ended.read(2) == b"\x00\x00"
            for peer, stream in streams:
                stream.close()
                peer.close()


def test_without_the_option_no_target_gets_anything() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, Ari(MENU, start_paused=True) as ari:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.2)
        external(ari, external_host=f"127.0.0.1:{udp.getsockname()[1]}")
        with pytest.raises(TimeoutError):
            udp.recvfrom(2000)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("ulaw", {0: 0xFF, 100: 0xF2, 1000: 0xCE, 32767: 0x80, -1: 0x7E, -1000: 0x4E, -32768: 0x00}),
        ("alaw", {0: 0xD5, 100: 0xD3, 1000: 0xFA, 32767: 0xAA, -1: 0x55, -1000: 0x7A, -32768: 0x2A}),
    ],
)
def test_g711(tmp_path: Path, name: str, codes: dict[int, int]) -> None:
    """Values of ITU-T G.711, as Python's audioop computed them."""
    audio = Audio(wav(tmp_path / "codes.wav", list(codes)))
    frame = next(iter(audio.frames(codec_of(name))))
    assert list(frame[: len(codes)]) == list(codes.values())


def test_other_rates_and_broken_files(tmp_path: Path) -> None:
    audio = Audio(wav(tmp_path / "fast.wav", [0, 1, 2, 3] * 200, rate=16000))
    samples = array("h", b"".join(islice(audio.frames(codec_of("slin")), 2)))
    assert samples.tolist() == [0, 2] * 160
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(ReplayError, match="WAV"):
        Audio(tmp_path / "text.wav")
    result = CliRunner().invoke(cli, ["replay", str(MENU), "--media", str(tmp_path / "nosuch.wav")])
    assert result.exit_code != 0 and "nosuch.wav" in result.stderr


@pytest.mark.slow
def test_many_connections_at_once() -> None:
    """Each gets its start."""

    async def main(ari: Ari) -> None:
        from websockets.asyncio.client import connect as connect_async

        ids = [server_media(ari)[1] for _ in range(20)]
        async with asyncio.TaskGroup() as tasks:

            async def one(connection: str) -> None:
                async with connect_async(f"{ari.base_url.replace('http', 'ws')}/media/{connection}") as media:
                    assert str(await media.recv()).startswith("MEDIA_START")

            for connection in ids:
                tasks.create_task(one(connection))

    with Ari(MENU, start_paused=True) as ari:
        asyncio.run(asyncio.wait_for(main(ari), HANG_S))
