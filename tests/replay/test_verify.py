"""Whether an app that is no longer as it was recorded is told so. The app is real, the recording a real Asterisk's."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from arirecord.cli import cli
from arirecord.errors import VerifyError
from arirecord.replay.server import ReplayServer
from arirecord.replay.verify import Rule, Verified, VerifyOptions, sessions_in, verify
from arirecord.replay.verify.app import where
from arirecord.replay.verify.compare import Limits
from arirecord.replay.verify.replay_comparison import Comparison
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.reader import open_session
from arirecord.session.rows import own_text
from arirecord.session.seal import seal
from tests.waiting import HANG_S, wait_for

from .apps import ivr
from .support import make
from .test_server import event

APP = Path(ivr.__file__)
MENU = Path(__file__).parent / "recordings" / "menu.parquet"
OVER_WEBSOCKET = MENU.with_name("menu-websocket.parquet")
ASKS_TO_ANSWER = 'await self.ask("POST", "channels", channel, "answer")'
PATIENT = VerifyOptions(pace_timeout_s=20, quiet_s=0.2)
QUICK = VerifyOptions(pace_timeout_s=2, quiet_s=0.2)


def verified(app: Path, options: VerifyOptions = QUICK, recording: Path = MENU, *arguments: str) -> Verified:
    return asyncio.run(asyncio.wait_for(verify(recording, [sys.executable, str(app), *arguments], options), HANG_S))


def with_bug(folder: Path, right: str, wrong: str) -> Path:
    """The app with a line changed."""
    text = APP.read_text()
    assert right in text
    target = folder / "app.py"
    target.write_text(text.replace(right, wrong))
    return target


@pytest.mark.slow
@pytest.mark.parametrize("recording", [MENU, OVER_WEBSOCKET], ids=lambda path: path.stem)
@pytest.mark.parametrize("arguments", [[], ["--websocket"]], ids=["http", "websocket"])
def test_the_app_that_was_recorded_does_what_was_recorded(recording: Path, arguments: list[str]) -> None:
    """All of it, though it chooses other ids each time, over HTTP or over the WebSocket."""
    result = verified(APP, PATIENT, recording, *arguments)

    assert result.trouble is None
    assert [call.lines() for call in result.calls if not call.is_same] == []
    assert sorted(call.recorded_count for call in result.calls) == [8, 10, 12, 12]
    assert result.request_count == 42


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "lines"),
    [
        (
            'PROMPT = "sound:vm-enter-num-to-call"',
            'PROMPT = "sound:vm-password"',
            [
                "- POST /channels/ID/play?media=sound:vm-enter-num-to-call",
                "+ POST /channels/ID/play?media=sound:vm-password",
            ],
        ),
        ('        await self.ask("POST", "channels", channel, "answer")\n', "", ["- POST /channels/ID/answer"]),
        (
            '        await self.ask("GET", "channels", channel, "variable", variable="CALLERID(num)")\n',
            '        await self.ask("POST", "channels", channel, "ring")\n' * 2,
            [
                "- GET /channels/ID/variable?variable=CALLERID(num)",
                "+ POST /channels/ID/ring",
                "+ POST /channels/ID/ring",
            ],
        ),
    ],
    ids=["wrong prompt", "no answer", "another request"],
)
def test_a_bug_is_named(tmp_path: Path, right: str, wrong: str, lines: list[str]) -> None:
    """In each call, at the place where the app went wrong, though the calls go on."""
    result = verified(with_bug(tmp_path, right, wrong))

    assert len(result.calls) == 4
    for call in result.calls:
        shown = [line.replace(call.call.channel_id, "ID") for line in call.hunks[0].lines]
        assert [line for line in shown if line[0] in "+-"] == lines


@pytest.mark.slow
def test_an_app_may_have_another_name(tmp_path: Path) -> None:
    """Than the recorded one."""
    assert verified(with_bug(tmp_path, 'os.environ.get("ARI_APP", "menu")', '"menu"'), PATIENT).is_same


@pytest.mark.slow
def test_an_app_may_do_several_things_at_once(tmp_path: Path) -> None:
    """A task for each event, which take their time."""
    concurrent = with_bug(tmp_path, "await menu.handle(event)", "tasks.create_task(menu.handle(event))")
    result = verified(concurrent, PATIENT)

    assert [call.lines() for call in result.calls if not call.is_same] == []


@pytest.mark.slow
def test_only_calls_that_came_there_differ(tmp_path: Path) -> None:
    """Of four, one was told goodbye."""
    result = verified(with_bug(tmp_path, '"channels", caller.channel, reason="normal"', '"channels", caller.channel'))

    (call,) = (call for call in result.calls if not call.is_same)
    assert [hunk.at for hunk in call.hunks] == [9]
    assert call.hunks[0].lines[-2:] == [
        f"- DELETE /channels/{call.call.channel_id}?reason=normal",
        f"+ DELETE /channels/{call.call.channel_id}",
    ]


@pytest.mark.slow
def test_a_request_too_many_is_one_difference(tmp_path: Path) -> None:
    """A bridge that leaks in each call: no call gets the bridge of another."""
    right = 'bridge = await self.ask("POST", "bridges", type="mixing", name="menu")'
    result = verified(with_bug(tmp_path, right, f"{right}; {right}"))

    different = [line for call in result.calls for hunk in call.hunks for line in hunk.lines if line[0] in "+-"]
    assert different == ["+ POST /bridges?name=menu"] * 2


@pytest.mark.slow
def test_a_path_that_ari_does_not_have_is_a_difference(tmp_path: Path) -> None:
    """With a letter too many, in the call that it names."""
    result = verified(with_bug(tmp_path, ASKS_TO_ANSWER, ASKS_TO_ANSWER.replace('"answer"', '"anwser"')))

    assert len(result.calls) == 4
    for call in result.calls:
        lines = [line for hunk in call.hunks for line in hunk.lines if line[0] in "+-"]
        channel = call.call.channel_id
        assert sorted(lines) == [f"+ POST /channels/{channel}/anwser", f"- POST /channels/{channel}/answer"]


def both_apps(target: Path) -> Path:
    """The recorded calls twice at the same time, of two apps that send requests over connections like each other's."""
    rows = []
    session = open_session(MENU)
    for frame in session.frames(kinds=("event", "connection", "rest")):
        other = frame.raw.replace('"rig"', '"two"').replace('\\"rig\\"', '\\"two\\"')
        other = re.sub(r"17954895(\d\d\.\d+)", r"16954895\1", other)
        other = re.sub(r"([0-9a-f]{8})(-[0-9a-f]{4}-)", lambda match: match[1][::-1] + match[2], other)
        for number, raw in enumerate((frame.raw, other)):
            raw = re.sub(r"127\.0\.0\.1:\d+ \((rig|two)\)", f"127.0.0.1:{4000 + 2 * frame.seq + number}", raw)
            rows.append((frame.elapsed_ns, frame.kind, raw))
    started_ns = session.header.started_ns
    writer = JournalWriter(journal_path(target), started_ns, {"verb": "import", "files": []})
    writer.write((started_ns + elapsed_ns, elapsed_ns, kind, raw) for elapsed_ns, kind, raw in rows)
    writer.close()
    seal(journal_path(target), target)
    return target


@pytest.mark.slow
def test_one_of_two_apps_of_a_recording(tmp_path: Path) -> None:
    """Each request belongs to the app of its channel, though each has a connection of its own."""
    both = both_apps(tmp_path / "both.parquet")
    for application in ("rig", "two"):
        result = verified(APP, VerifyOptions(pace_timeout_s=20, quiet_s=0.2, application=application), both)

        assert [call.lines() for call in result.calls if not call.is_same] == []
        assert (result.trouble, result.missed, result.request_count) == (None, [], 42)
    wrong = with_bug(tmp_path, ASKS_TO_ANSWER, "pass")
    result = verified(wrong, VerifyOptions(pace_timeout_s=2, quiet_s=0.2, application="two"), both)
    assert [len(call.hunks) for call in result.calls] == [1, 1, 1, 1]


def compared(target: Path, rows: Iterable[tuple[str, str]], wanted: str | None = None) -> Comparison:
    """A tapped session of `(kind, text)` rows, to compare with."""
    writer = JournalWriter(journal_path(target), 0, {"verb": "tap"})
    writer.write((n, n, kind, raw) for n, (kind, raw) in enumerate(rows))
    writer.close()
    seal(journal_path(target), target)
    return Comparison(open_session(target), wanted)


@pytest.mark.parametrize("wanted", [None, "one", "one,two"])
def test_an_app_whose_websocket_is_for_two_applications_is_one_app(tmp_path: Path, wanted: str | None) -> None:
    starts = [
        json.dumps({"type": "StasisStart", "application": name, "channel": {"id": name}}) for name in ("one", "two")
    ]
    answer = {"method": "POST", "uri": "/ari/channels/two/answer", "status": 204, "client": "127.0.0.1:5 (one,two)"}
    rows = [
        ("connection", own_text("connection", "opened", application="one,two")),
        *(("event", text) for text in starts),
        ("rest", own_text("rest", "POST", by="app", **answer)),
    ]
    comparison = compared(tmp_path / "s.parquet", rows, wanted)

    assert comparison.application == "one,two"
    assert [call.lines()[1:] for call in comparison.compare([], Limits())] == [["- POST /channels/two/answer"]]


@pytest.mark.slow
def test_what_is_ignored_makes_no_difference(tmp_path: Path) -> None:
    """A request, and a parameter."""
    text = APP.read_text().replace("vm-enter-num-to-call", "vm-password")
    app = tmp_path / "app.py"
    app.write_text(text.replace('variable="CALLERID(num)"', 'variable="CALLERID(name)"'))
    rules = [Rule.parse("POST /channels/*/play?media"), Rule.parse("GET /channels/*/variable")]

    assert not verified(app).is_same
    assert verified(app, VerifyOptions(pace_timeout_s=0.3, quiet_s=0.2, rules=rules)).is_same


def test_an_app_that_ends_or_does_not_come_is_trouble(tmp_path: Path) -> None:
    """And says so, instead of a list of all that it did not do."""
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit(7)")
    assert "exit code 7" in str(verified(app).trouble)
    app.write_text("import time; time.sleep(60)")
    lazy = VerifyOptions(start_timeout_s=0.2)
    assert verified(app, lazy).trouble == "the app did not connect for 0.2 s"
    with pytest.raises(VerifyError, match="can't be started"):
        asyncio.run(verify(MENU, [str(tmp_path / "nosuch")]))


@pytest.mark.slow
def test_an_app_may_end_when_its_work_is_done(tmp_path: Path) -> None:
    """After its last request, without waiting for the events that follow."""
    counted = "answered.append(1); len(answered) == 42 and os._exit(0); return json.loads(answer)"
    app = with_bug(tmp_path, "return json.loads(answer)", counted)
    app.write_text(app.read_text().replace("import httpx2", "import httpx2\n\nanswered = []", 1))
    result = verified(app, PATIENT)

    assert (result.trouble, result.request_count) == (None, 42)


def test_without_requests_there_is_nothing_to_verify(tmp_path: Path) -> None:
    """As in what `capture` records."""
    session = make(tmp_path / "s.parquet", [(0, event(1))])
    with pytest.raises(VerifyError, match="arirecord tap"):
        asyncio.run(verify(session, ["true"]))


@pytest.mark.slow
def test_a_folder_is_a_suite(tmp_path: Path) -> None:
    """As a command: the exit code, the words of a diff, and JUnit XML. The environment and the arguments say where."""
    folder = tmp_path / "suite"
    folder.mkdir()
    for name in ("a.parquet", "b.parquet"):
        shutil.copy(MENU, folder / name)
    make(folder / "c.parquet", [(0, event(1))])
    app = with_bug(tmp_path, 'os.environ["ARI_URL"]', "sys.argv[1]")
    app.write_text("import sys\n" + app.read_text().replace("sound:vm-goodbye", "sound:vm-nothing"))
    junit = tmp_path / "junit.xml"
    arguments = ["verify", folder, "--junit", junit, "--", sys.executable, app, "{url}"]
    done = subprocess.run(
        [sys.executable, "-m", "arirecord", *map(str, arguments)], capture_output=True, text=True, timeout=HANG_S
    )

    assert done.returncode == 1, done.stderr
    assert done.stdout.count("+ POST /channels/") == 2
    assert f"{folder / 'b.parquet'}: 4 calls, 42 requests, 1 of the calls differ" in done.stdout
    assert "c.parquet: " in done.stdout and "arirecord tap" in done.stdout
    suites = ElementTree.parse(junit).getroot().findall("testsuite")
    counts = [tuple(suite.get(name) for name in ("tests", "failures", "errors")) for suite in suites]
    assert counts == [("4", "1", "0"), ("4", "1", "0"), ("1", "0", "1")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "word"),
    [
        (ASKS_TO_ANSWER, f"await asyncio.sleep(1.5); {ASKS_TO_ANSWER}", "too late"),
        (ASKS_TO_ANSWER, f"{ASKS_TO_ANSWER}; {ASKS_TO_ANSWER}", "+ POST /channels/"),
        ("caller.prompt = await self.play(caller, PROMPT)", "await self.play(caller, PROMPT)", "- DELETE /playbacks/"),
    ],
    ids=["late", "doubled", "forgotten id"],
)
def test_bugs_of_time_and_order_are_named(tmp_path: Path, right: str, wrong: str, word: str) -> None:
    result = verified(with_bug(tmp_path, right, wrong), VerifyOptions(pace_timeout_s=3, quiet_s=0.2))

    assert not result.is_same
    assert any(word in line for call in result.calls for line in call.lines())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_app_too(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    app = tmp_path / "app.py"
    app.write_text(f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    arguments = [sys.executable, "-m", "arirecord", "verify", str(MENU), "--", sys.executable, str(app)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: pid.exists() and pid.read_text() != "")
        process.send_signal(number)
        assert process.wait(HANG_S) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.slow
def test_a_difference_counts_only_if_a_second_run_has_it_too(tmp_path: Path) -> None:
    """On a busy machine an app misses an event once. This one plays a wrong prompt once."""
    marker = tmp_path / "has_run"
    once = f"'sound:beep' if not __import__('os').path.exists({str(marker)!r}) else 'sound:vm-goodbye'"
    app = with_bug(tmp_path, "GOODBYE)", f"[{once}, open({str(marker)!r}, 'w').close()][0])")

    def run(*options: str) -> tuple[int, str]:
        marker.unlink(missing_ok=True)
        arguments = ["verify", *options, str(MENU), "--", sys.executable, str(app)]
        result = CliRunner().invoke(cli, arguments)
        return result.exit_code, result.stderr

    code, notices = run()
    assert code == 0 and "1 of the calls differ; the app runs again" in notices and "no difference" in notices
    assert run("--reruns", "0")[0] == 1


def test_the_result_as_json_and_as_annotations(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("raise SystemExit(7)")

    def printed(form: str) -> str:
        arguments = ["verify", str(MENU), "--format", form, "--", sys.executable, str(app)]
        return CliRunner().invoke(cli, arguments).stdout

    (result,) = json.loads(printed("json"))
    assert result["session"] == str(MENU)
    assert not result["is_same"] and "exit code 7" in result["trouble"]
    assert sorted(call["recorded_count"] for call in result["calls"]) == [8, 10, 12, 12]
    assert all(call["differences"][0]["lines"][0].startswith("- ") for call in result["calls"])
    annotations = printed("github").splitlines()
    assert len(annotations) == 5
    assert all(line.startswith(f"::error file={MENU},title=") for line in annotations)


def test_how_often_the_recorded_app_answered_an_answered_call_does_not_count(tmp_path: Path) -> None:
    """Its tasks repeat the command as they happen to interleave; one that rings twice does so each time."""

    start = '{"type":"StasisStart","args":[],"channel":{"id":"a","state":"Ring"},"application":"app"}'
    asked = [
        own_text("rest", "POST", by="app", method="POST", uri=f"/channels/a/{name}", status=204)
        for name in ("answer", "answer", "answer", "ring", "ring")
    ]
    comparison = compared(tmp_path / "s.parquet", [("event", start), *(("rest", text) for text in asked)])
    recorded = comparison._requests

    def is_same(*numbers: int, strict: bool = False) -> bool:
        calls = comparison.compare([recorded[number] for number in numbers], Limits(strict=strict))
        return all(call.is_same for call in calls)

    assert is_same(0, 3, 4) and is_same(0, 1, 2, 0, 3, 4)
    assert not is_same(3, 4) and not is_same(0, 3)
    assert is_same(0, 1, 2, 3, 4, strict=True) and not is_same(0, 3, 4, strict=True)


@pytest.mark.slow
def test_what_is_new_in_each_run_is_learned(tmp_path: Path) -> None:
    """A word that the app makes up is another each time; a wrong prompt is the same in both runs, and stays a fault."""
    recording = tmp_path / "menu.parquet"
    shutil.copy(MENU, recording)
    made_up = "'-'.join(__import__('random').choices(['red', 'blue', 'green', 'white', 'black'], k=8))"
    random = with_bug(tmp_path, 'variable="CALLERID(num)"', f'variable="X-" + {made_up}')
    wrong = tmp_path / "wrong.py"
    wrong.write_text(random.read_text().replace("sound:vm-goodbye", "sound:vm-nothing"))

    def run(app: Path, *options: str) -> tuple[int, str]:
        arguments = ["verify", *options, "--pace-timeout", "1s", str(recording), "--", sys.executable, str(app)]
        result = CliRunner().invoke(cli, arguments)
        return result.exit_code, result.stdout

    assert run(random)[0] == 1
    code, printed = run(wrong, "--learn")
    assert (code, printed) == (0, "GET /channels/*/variable?variable\n")
    assert recording.with_suffix(".rules").read_text().endswith(printed)
    assert run(random)[0] == 0
    code, printed = run(wrong)
    assert code == 1 and "sound:vm-nothing" in printed


@pytest.mark.slow
def test_the_courses_side_by_side(tmp_path: Path) -> None:
    """With the row of the ladder at which they part."""
    wrong = with_bug(tmp_path, "sound:vm-goodbye", "sound:vm-nothing")
    arguments = ["verify", "--side-by-side", str(MENU), "--", sys.executable, str(wrong)]
    result = CliRunner().invoke(cli, arguments, env={"COLUMNS": "200"})

    lines = result.stdout.splitlines()
    left, right = (f"POST /channels/1795489530.20/play?media=sound:vm-{word}" for word in ("goodbye", "nothing"))
    assert f"{left:98} | {right}" in lines
    same = "POST /channels/1795489530.20/answer"
    assert f"{same:98}   {same}" in lines
    (row,) = (line for line in lines if line.startswith("# In the ladder: "))
    assert "1.121 s, application POST /ari/channels/1795489530.20/play/" in row


@pytest.mark.slow
def test_an_app_that_is_operated_by_its_input(tmp_path: Path) -> None:
    """Each line comes when it is connected and quiet."""
    app = with_bug(tmp_path, ASKS_TO_ANSWER, f"await asyncio.to_thread(input); {ASKS_TO_ANSWER}")
    keys = tmp_path / "keys"
    keys.write_text("answer\n" * 4)
    options = ["--max-delay", "5s", "--stdin", str(keys)]
    arguments = [sys.executable, "-m", "arirecord", "verify", *options, str(MENU), "--", sys.executable, str(app)]
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG_S)

    assert (done.returncode, done.stdout) == (0, f"{MENU}: 4 calls, 42 requests, no difference\n"), done.stderr


def test_parts_of_a_recording_are_one_session(tmp_path: Path) -> None:
    """Others in a folder are each its own."""
    parts = tmp_path / "all" / "parts"
    parts.mkdir(parents=True)
    for number in range(2):
        make(parts / f"{number}.parquet", [(number, event(number))])
    other = make(tmp_path / "all" / "other.parquet", [(0, event(1))], start_ns=5)

    assert sessions_in(parts) == [parts]
    assert sessions_in(tmp_path / "all") == [other, parts]
    assert sessions_in(other) == [other]


@pytest.mark.parametrize("rule", ["GET", "GET channels", "POST /channels?"])
def test_what_is_no_rule_is_wrong_usage(rule: str) -> None:
    result = CliRunner().invoke(cli, ["verify", str(MENU), f"--ignore={rule}", "--", "true"])

    assert result.exit_code == 2
    assert "METHOD PATH" in result.stderr


def test_the_document_names_every_address() -> None:
    """Its table has all that COMMAND receives."""
    text = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()

    told = where(ReplayServer(MENU), "rig", "u", "p")

    assert all(f"`ARI_{name.upper()}`" in text and f"`{{{name}}}`" in text for name in told)
