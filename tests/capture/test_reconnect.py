"""What a production day brings: lost connections, a booting switch, takeovers, filters, parts, outbound sockets."""

import asyncio
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import cast

import orjson
import pytest
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from arirecord.capture import talker_formats
from arirecord.capture.rest_snapshots import RestRecorder, SnapshotResponse
from arirecord.capture.talker_formats import TalkerFormats
from arirecord.doctor import examine
from arirecord.session.reader import open_session
from arirecord.session.rows import END_OF_RECORDING
from tests.cli.conftest import COMMAND
from tests.waiting import wait_for

from .ari import Ari, Script, running
from .test_capture import capture, finish, journal_size, raws

pytestmark = pytest.mark.slow


def sends(*frames: str, close: tuple[int, str] = (1000, END_OF_RECORDING)) -> Script:
    """A connection that sends these and then closes."""

    async def script(ari: Ari, socket: WebSocket) -> None:
        for frame in frames:
            await socket.send_text(frame)
        await socket.close(*close)

    return script


async def hold(ari: Ari, socket: WebSocket) -> None:
    """A connection that says one thing and then stays open and silent."""
    await socket.send_text('{"type":"Dial","dialstring":"held"}')
    await socket.receive()


async def refuse_to_speak(ari: Ari, socket: WebSocket) -> None:
    """A socket that is dead: it answers no ping, because its server does not run."""
    await socket.send_text('{"type":"Dial","dialstring":"last words"}')
    ari.is_let_go.wait(30)  # blocks the server's loop on purpose


def rows(target: Path, kind: str) -> list[dict[str, object]]:
    return [orjson.loads(frame.raw) for frame in open_session(target).frames(kinds=[kind])]


LOST = (1011, "")


def test_it_dials_again_and_tells_the_gaps(tmp_path: Path) -> None:
    """Frames of all connections, a gap between them with its times, exit code 3."""
    target = tmp_path / "s.parquet"
    ari = Ari(sends('"a"', '"b"', close=LOST), sends('"c"', close=LOST), sends('"d"'))
    with running(ari):
        words = finish(capture(ari.url, target), code=3)
    told = rows(target, "connection")

    assert raws(target) == ['"a"', '"b"', '"c"', '"d"']
    assert [row["type"] for row in told] == ["opened", "closed", "gap", "opened", "closed", "gap", "opened", "closed"]
    assert all("connection_lost_since" in row for row in told if row["type"] == "gap")
    assert open_session(target).header.gap_count == 2
    assert "Connected again" in words
    assert "Gaps in the recording: 2;" in words


def test_a_booting_asterisk_is_waited_for(tmp_path: Path) -> None:
    """It answers 503 until it is ready; nothing was lost, so exit code 0."""
    target = tmp_path / "s.parquet"
    ari = Ari(sends('"a"'))
    ari.booting = 3
    with running(ari):
        words = finish(capture(ari.url, target))

    assert raws(target) == ['"a"']
    assert "is not ready yet" in words


def test_a_stop_during_a_gap_is_told(tmp_path: Path) -> None:
    """The recording ends while nobody answers: that gap is in it too."""
    target = tmp_path / "s.parquet"
    ari = Ari(sends('"a"', close=LOST))
    with running(ari):
        process = capture(ari.url, target)
        wait_for(lambda: ari.connections > 0)
        wait_for(lambda: journal_size(target) > 0)
    said = ""
    assert process.stderr is not None
    while "Trying until it works" not in said:
        said += process.stderr.readline()
    process.send_signal(signal.SIGINT)
    finish(process, code=3)

    assert rows(target, "connection")[-1]["type"] == "gap"


def test_a_dead_socket_is_noticed(tmp_path: Path) -> None:
    """No Close frame, no answer to pings: lost within the keep-alive."""
    target = tmp_path / "s.parquet"
    ari = Ari(refuse_to_speak)
    with running(ari):
        words = finish(capture(ari.url, target, "--keepalive", "500ms", "--no-reconnect"), code=3)
        ari.is_let_go.set()

    assert "keepalive ping timeout" in words
    assert raws(target) == ['{"type":"Dial","dialstring":"last words"}']


def test_a_snapshot_is_taken_at_every_connection(tmp_path: Path) -> None:
    """As rest rows, with question, answer and duration; also the switch's own API documents."""
    target = tmp_path / "s.parquet"

    async def until_asked(ari: Ari, socket: WebSocket) -> None:
        before = len(ari.asked)
        while ("GET", "/api-docs/last.json", b"") not in ari.asked[before:]:  # then those before it were answered
            ari.news.clear()
            await ari.news.wait()
        await socket.close(*(LOST if ari.connections == 1 else (1000, END_OF_RECORDING)))

    ari = Ari(until_asked)
    with running(ari):
        finish(capture(ari.url, target), code=3)
    exchanges = rows(target, "rest")

    assert [row["rest_uri"] for row in exchanges[:9]] == [
        *("/asterisk/info", "/applications", "/channels", "/bridges", "/endpoints", "/deviceStates", "/sounds"),
        *("/api-docs/resources.json", "/api-docs/events.json"),
    ]
    assert [row["rest_uri"] for row in exchanges].count("/api-docs/events.json") == 2
    assert orjson.loads(str(exchanges[2]["rest_answer_body"])) == {"path": "/channels"}
    assert all(
        row["rest_status"] == 200 and row["rest_by"] == "recorder" and row["rest_duration_ns"] for row in exchanges
    )


@pytest.mark.parametrize("options", [(), ("--no-formats",)])
def test_the_format_of_each_channel_that_talks_is_requested_once(options: tuple[str, ...], tmp_path: Path) -> None:
    """Of a Snoop it is that of the channel it listens to. Anything else that names the event is only recorded."""
    target = tmp_path / "s.parquet"
    channels = [
        *({"id": "1.1", "name": "PJSIP/a-00000001"}, {"id": "1.1", "name": "PJSIP/a-00000001"}),
        *({"id": "1.3", "name": "Snoop/1.2-00000000"}, {"id": "a/b", "name": "Local/a"}, {"id": 7}, {}, "1.9"),
    ]
    events = [orjson.dumps({"type": "ChannelTalkingStarted", "channel": channel}).decode() for channel in channels]
    others = ['"ChannelTalkingStarted"', '{"type":"Dial","dialstring":"\\"ChannelTalkingStarted\\""}', "{broken"]

    async def talk(ari: Ari, socket: WebSocket) -> None:
        for frame in [*others, *events, '{"type":"ChannelTalkingStarted","channel":{"id":"last"}}']:
            await socket.send_text(frame)
        end = "/api-docs/last.json" if options else "/channels/last/variable"
        while ("GET", end, b"") not in ari.asked:
            ari.news.clear()
            await ari.news.wait()
        await socket.close(1000, END_OF_RECORDING)

    ari = Ari(talk)
    with running(ari):
        finish(capture(ari.url, target, *options))
    requested = [path for _, path, _ in ari.asked if path.endswith("/variable")]
    uris = [str(row["rest_uri"]) for row in rows(target, "rest")]

    assert len(raws(target)) == len(others) + len(events) + 1
    assert requested == ([] if options else [f"/channels/{name}/variable" for name in ("1.1", "1.2", "a/b", "last")])
    assert options or "/channels/a%2Fb/variable?variable=CHANNEL(audionativeformat)" in uris


def test_an_application_is_not_stolen(tmp_path: Path) -> None:
    """If somebody has it, recording under its name is refused, and nothing is connected."""
    ari = Ari(sends('"a"'))
    ari.applications["shop"] = {}
    with running(ari):
        words = finish(capture(ari.url, tmp_path / "s.parquet", "--app", "shop"), code=1)
        assert ari.connections == 0
        finish(capture(ari.url, tmp_path / "s.parquet", "--app", "shop", "--takeover"))

    assert "--takeover" in words
    assert "arirecord tap" in words


TAKEN = '{"type":"ApplicationReplaced","application":"arirecord"}'


async def take_over(ari: Ari, socket: WebSocket) -> None:
    """Another client takes the application: one event, then silence on an open socket."""
    await socket.send_text('{"type":"ApplicationReplaced","application":"another"}')
    await socket.send_text(TAKEN)
    await socket.receive()


def test_a_takeover_is_said_at_once(tmp_path: Path) -> None:
    """The socket stays open, but nothing will come: the recording ends, exit code 3; another app's is no matter."""
    target = tmp_path / "s.parquet"
    ari = Ari(take_over)
    with running(ari):
        words = finish(capture(ari.url, target), code=3)

    assert "took over application 'arirecord'" in words.replace("Another client", "")
    assert len(raws(target)) == 2
    assert "took over" in open_session(target).header.ended


def test_a_takeover_may_be_taken_back(tmp_path: Path) -> None:
    """With --takeover it dials again."""
    target = tmp_path / "s.parquet"
    ari = Ari(take_over, sends('"back"'))
    with running(ari):
        finish(capture(ari.url, target, "--takeover"), code=3)

    assert raws(target)[-1] == '"back"'


def test_a_filter_is_asterisks_own_and_is_put_back(tmp_path: Path) -> None:
    """Set after connecting, restored before leaving, and the session says that it was filtered."""
    target = tmp_path / "s.parquet"
    ari = Ari(hold)
    ari.applications["arirecord"] = {"events_allowed": [{"type": "Dial"}], "events_disallowed": []}
    with running(ari):
        process = capture(ari.url, target, "--takeover", "--exclude", "ChannelVarset", "--exclude", "ChannelDialplan")
        wait_for(lambda: any(method == "PUT" for method, _, _ in ari.asked))
        wait_for(lambda: ("GET", "/sounds", b"") in ari.asked)
        process.send_signal(signal.SIGTERM)
        finish(process)
    puts = [orjson.loads(body) for method, _, body in ari.asked if method == "PUT"]

    assert puts == [
        {"allowed": [], "disallowed": [{"type": "ChannelVarset"}, {"type": "ChannelDialplan"}]},
        {"allowed": [{"type": "Dial"}], "disallowed": []},
    ]
    assert open_session(target).header.source["exclude"] == ["ChannelVarset", "ChannelDialplan"]


def test_notes_and_parts_of_a_running_recording(tmp_path: Path) -> None:
    """`mark` puts a row into it, `mark --split` and SIGHUP begin new parts, all parts are sealed at the end."""
    folder = tmp_path / "days"
    ari = Ari(hold)
    with running(ari):
        process = capture(ari.url, folder, "--rotate", "1h")
        wait_for(lambda: ("GET", "/api-docs/events.json", b"") in ari.asked)
        mark = [*COMMAND, "mark", "-o", str(folder)]
        subprocess.run([*mark, "the line is dead"], check=True, capture_output=True)
        subprocess.run([*mark, "--split"], check=True, capture_output=True)
        wait_for(lambda: any(folder.rglob("[0-9]*.parquet")))
        subprocess.run([*mark, "second part"], check=True, capture_output=True)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        finish(process)
    session = open_session(folder)
    marks = rows(folder, "mark")

    assert [row["mark_text"] for row in marks] == ["the line is dead", "second part"]
    assert marks[0]["mark_by"]
    assert len(session.parts) == 3
    assert [frame.seq for frame in session.frames(kinds=None)] == list(range(session.header.rows))
    assert not list(folder.rglob("*.journal"))


def test_a_recording_that_is_stopped_and_started_again(tmp_path: Path) -> None:
    """Into the same folder: between the two there is a gap, and each part of one goes on where the last ended."""
    folder = tmp_path / "days"
    ari = Ari(sends(*['"a"'] * 1000))
    with running(ari):
        for _ in range(2):
            finish(capture(ari.url, folder, "--rotate", "300"))
    session = open_session(folder)
    starts = sorted({part.header.started_ns for part in session.parts})
    first, second = ([p.header for p in session.parts if p.header.started_ns == start] for start in starts)
    end_ns = starts[0] + first[-1].first_elapsed_ns + first[-1].duration_ns
    (gap,) = session.recorded_time.gaps

    assert len(first) > 1 and len(second) > 1
    assert (gap.begin_ns, gap.end_ns) == (end_ns, starts[1] + second[0].first_elapsed_ns)
    assert gap.is_between
    assert session.header.gap_count == 1
    assert session.recorded_time.duration_ns == session.header.duration_ns - (gap.end_ns - gap.begin_ns)
    assert [f.rule for f in examine(folder) if "Nothing was recorded" in f.what] == ["parts"]


def test_nobody_to_mark(tmp_path: Path) -> None:
    """Is said."""
    done = subprocess.run(
        [*COMMAND, "mark", "hello", "-o", str(tmp_path / "s.parquet")], capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "no recording to" in done.stderr


async def test_asterisk_dials_in(tmp_path: Path) -> None:
    """Several outbound connections at once; who can't log in is refused; sub-protocol ari is taken where offered."""
    target = tmp_path / "s.parquet"
    process = capture("http://unused/ari", target, "--listen", "127.0.0.1:0", "--user", "u:p", "--max-events", "6")
    assert process.stderr is not None
    said = ""
    while "Listening at " not in said:
        said = process.stderr.readline()
    url = said.partition("Listening at ")[2].split()[0]
    headers = {"Authorization": "Basic dTpw"}
    with pytest.raises(InvalidStatus, match="401"):
        await connect(url)
    async with (
        connect(url + "events?app=x", additional_headers=headers) as one,
        connect(url, additional_headers=headers, subprotocols=["ari"]) as two,  # type: ignore[list-item]
    ):
        assert (one.subprotocol, two.subprotocol) == (None, "ari")
        for n in range(3):
            await one.send(f'{{"n":{n},"from":1}}')
            await two.send(f'{{"n":{n},"from":2}}')
        await one.wait_closed()
    finish(process)
    found = [orjson.loads(raw) for raw in raws(target)]

    assert [event["n"] for event in found if event["from"] == 1] == [0, 1, 2]
    assert [event["n"] for event in found if event["from"] == 2] == [0, 1, 2]
    assert [row["type"] for row in rows(target, "connection")].count("opened") == 2


def test_tls(tmp_path: Path, certificate: Path) -> None:
    """An unknown certificate is refused; --ca trusts it; --insecure says loudly what it does."""
    ari = Ari(sends('"a"'))
    with running(ari, certificate):
        words = finish(capture(ari.url, tmp_path / "no.parquet"), code=1)
        finish(capture(ari.url, tmp_path / "ca.parquet", "--ca", str(certificate)))
        loud = finish(capture(ari.url, tmp_path / "insecure.parquet", "--insecure"))

    assert "--ca" in words
    assert "WARNING" in loud
    assert raws(tmp_path / "ca.parquet") == raws(tmp_path / "insecure.parquet") == ['"a"']


def test_a_format_without_a_response_is_requested_again_when_the_channel_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a lost connection and after a request in vain; a refusal is a response."""
    monkeypatch.setattr(talker_formats, "_PAUSE_S", 0)
    responses = iter([asyncio.CancelledError(), None, SnapshotResponse(404, b"")])
    requested: list[str] = []
    formats = TalkerFormats()

    class Rest:
        async def ask(self, method: str, path: str) -> SnapshotResponse | None:
            requested.append(path.split("/")[2])
            response = asyncio.CancelledError() if requested[-1] == "last" else next(responses)
            if isinstance(response, asyncio.CancelledError):
                raise response
            return response

    async def connection(*talking: str) -> None:
        for channel in talking:
            frame = orjson.dumps({"type": "ChannelTalkingStarted", "channel": {"id": channel}})
            formats.notice(frame, [slice(None)])
        with suppress(asyncio.CancelledError):
            await formats.send(cast("RestRecorder", Rest()))

    for talking in (["a"], ["a", "last"], ["a", "last"], ["a", "last"]):
        asyncio.run(connection(*talking))

    assert requested == ["a", "a", "last", "a", "last", "last"]
