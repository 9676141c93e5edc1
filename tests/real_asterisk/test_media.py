"""The WebSocket of chan_websocket: a replay sends the texts that a real Asterisk sent."""

import base64
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from arirecord.testing import Ari

from .switch import Asterisk

pytestmark = pytest.mark.asterisk

AUDIO = b"\xff" * 1000
COMMANDS = ("GET_STATUS", "START_MEDIA_BUFFERING", AUDIO, "STOP_MEDIA_BUFFERING x1", "MARK_MEDIA m1", "GET_STATUS")


def texts(ari: Ari, app: str, login: str, codec: str) -> list[str]:
    """What an app receives on a media connection, besides audio."""
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    given = {"app": app, "format": codec, "transport": "websocket", "connection_type": "server"}
    given |= {"external_host": "INCOMING", "encapsulation": "none"}
    found = []
    with connect(f"{ari.ws_url}?app={app}", additional_headers=headers):
        answer = httpx2.post(f"{ari.url}/channels/externalMedia", params=given, headers=headers, trust_env=False)
        connection = answer.json()["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"]
        media = f"{ari.base_url.replace('http', 'ws')}/media/{connection}"
        with connect(media, subprotocols=["media"]) as socket:  # type: ignore[list-item]
            for command in COMMANDS:
                socket.send(command)
                if command not in (AUDIO, "START_MEDIA_BUFFERING"):
                    found.append(next(text for text in socket if isinstance(text, str)))
            found.append(str(socket.subprotocol))
            socket.send("HANGUP")
            with pytest.raises(ConnectionClosed):
                for _ in range(1000):
                    socket.recv(10)
    return found


@pytest.mark.parametrize("codec", ["ulaw", "slin16"])
def test_a_replay_has_the_texts_of_asterisk(asterisk: Asterisk, tmp_path: Path, codec: str) -> None:
    login = f"{asterisk.user}:{asterisk.password}"
    target = tmp_path / "media.parquet"
    with Ari(target, asterisk.url, app="media") as ari:
        recorded = texts(ari, "media", login, codec)
    with Ari(target, speed=0.05) as ari:  # the recorded end of the channel ends the connection
        replayed = texts(ari, "media", login, codec)

    assert recorded[0].startswith("MEDIA_START ")
    assert replayed == recorded
