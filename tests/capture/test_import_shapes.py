"""Files as people have them: a call, written by loggers, terminals and log systems, is always the same."""

import base64
import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import pprint
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from arirecord.analytics import connect
from arirecord.capture.importer import import_streams
from arirecord.errors import NoEvents
from arirecord.session.header import Header
from arirecord.session.reader import open_session

LINES = (Path(__file__).parent / "one_call.jsonl").read_text("utf-8").splitlines()
EVENTS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
BEGIN_NS = 1_700_000_000 * 10**9
MS = [1_700_000_000_000 + number for number in range(len(LINES))]
"""Times of receipt."""


def each(write: Callable[[int, str], str]) -> str:
    """A text with something for each line."""
    return "".join(write(number, line) + "\n" for number, line in enumerate(LINES))


def pretty(event: dict[str, Any]) -> str:
    return json.dumps(event, indent=2, ensure_ascii=False)


def objects(wrap: Callable[[int, str], Any]) -> str:
    return each(lambda number, line: json.dumps(wrap(number, line)))


def behind(prefix: str) -> str:
    """Pretty-printed events with a text before each line."""
    return "".join(f"{prefix}{line}\n" for event in EVENTS for line in pretty(event).splitlines())


def as_csv(cells: Callable[[int], list[Any]], **options: Any) -> str:
    file = io.StringIO()
    csv.writer(file, **options).writerows(cells(number) for number in range(len(LINES)))
    return file.getvalue()


TEXTS = {
    "lines": each(lambda n, line: line),
    "crlf": "\r\n".join(LINES) + "\r\n",
    "array": json.dumps(EVENTS),
    "pretty array": json.dumps(EVENTS, indent=4),
    "pretty": "\n".join(map(pretty, EVENTS)),
    "trailing commas": each(lambda n, line: line + ","),
    "one after the other": "".join(LINES),
    "text sequence of RFC 7464": each(lambda n, line: "\x1e" + line),
    "Python logging": each(lambda n, line: f"2023-11-14 23:13:20,{n:03} DEBUG    ari.client  {line}"),
    "syslog": each(lambda n, line: f'<134>1 2023-11-14T22:13:20.000Z pbx app 7 - [id@1 k="v"] {line}'),
    "container runtime": each(lambda n, line: f"2023-11-14T22:13:20.123456789Z stdout F {line}"),
    "wscat": "Connected (press CTRL+C to quit)\n" + each(lambda n, line: f"< {line}"),
    "coloured wscat": each(lambda n, line: f"\x1b[34m< {line}\x1b[39m\n> "),
    "coloured jq": each(lambda n, line: "\x1b[1;39m" + pretty(EVENTS[n]).replace('": ', '"\x1b[0m\x1b[1m:\x1b[0m ')),
    "server-sent events": each(lambda n, line: f"id: {n}\nevent: message\ndata: {line}\n"),
    "kcat": each(lambda n, line: f"% Partition ari [0] offset {n} key none: {line}"),
    "logfmt": each(lambda n, line: f"time=2023-11-14T23:13:20 level=debug msg={json.dumps('event: ' + line)} app=x"),
    "JSON strings": objects(lambda n, line: line),
    "ari set debug all on": each(
        lambda n, line: f"<--- Sending ARI event to 127.0.0.1:51234 --->\n{pretty(EVENTS[n])}\n"
    ),
    "the same in syslog": behind("Nov 14 22:13:20 pbx asterisk[312]: "),
    "docker compose": behind("app_1  | "),
    "server-sent events over several lines": behind("data: "),
    "Python dicts": each(lambda n, line: f"Received Stasis event: {EVENTS[n]!r}"),
    "pprint": each(lambda n, line: pprint.pformat(EVENTS[n])),
    "narrow pprint": each(lambda n, line: pprint.pformat(EVENTS[n], width=30)),
    "bytes in Python": each(lambda n, line: f"recv {line.encode()!r}"),
    "ASCII in Python": each(lambda n, line: f"recv {json.dumps(EVENTS[n])!r}"),
    "CSV": "id,at,event\n" + as_csv(lambda n: [n, "2023-11-14 22:13:20", LINES[n]]),
    "pretty CSV": as_csv(lambda n: [n, pretty(EVENTS[n])], delimiter=";"),
    "between other lines": each(lambda n, line: f'{{"level":"info","msg":"received","n":{n}}}\n{line}\nat {{}} done'),
}

WRAPPED = {
    "event": objects(lambda n, line: {"ts": MS[n] / 1000, "event": EVENTS[n]}),
    "message": objects(lambda n, line: {"@version": "1", "host": "pbx", "time": MS[n], "message": line}),
    "message with a prefix": objects(lambda n, line: {"time": MS[n], "message": f"DEBUG: {line}"}),
    "Python dict in a message": objects(lambda n, line: {"time": MS[n], "log": f"event: {EVENTS[n]!r}\n"}),
    "journald": objects(lambda n, line: {"__REALTIME_TIMESTAMP": str(MS[n] * 1000), "MESSAGE": line}),
    "journald bytes": objects(lambda n, line: {"__REALTIME_TIMESTAMP": f"{MS[n]}000", "MESSAGE": [*line.encode()]}),
    "docker": objects(
        lambda n, line: {"log": line + "\n", "stream": "stdout", "time": f"2023-11-14T22:13:20.{n:03}1Z"}
    ),
    "pino": objects(lambda n, line: {"level": 30, "time": MS[n], "pid": 7, "hostname": "pbx", "msg": line}),
    "GELF": objects(
        lambda n, line: {"version": "1.1", "short_message": line[:60], "full_message": line, "timestamp": MS[n] / 1000}
    ),
    "kcat -J": objects(lambda n, line: {"topic": "ari", "offset": n, "ts": MS[n], "key": None, "payload": line}),
    "Kafka Connect": objects(lambda n, line: {"schema": None, "payload": {"ts": MS[n], "value": EVENTS[n]}}),
    "Kinesis": objects(
        lambda n, line: {"kinesis": {"data": base64.b64encode(line.encode()).decode(), "timestamp": MS[n] / 1000}}
    ),
    "Filebeat": objects(lambda n, line: {"@timestamp": MS[n], "message": line, "json": EVENTS[n], "type": "log"}),
    "Elasticsearch": objects(lambda n, line: {"_index": "x", "_source": {"@timestamp": MS[n], "message": line}}),
    "Elasticsearch hits": json.dumps(
        {"hits": {"total": 18, "hits": [{"_source": {"ts": t, "message": x}} for t, x in zip(MS, LINES, strict=True)]}}
    ),
    "CloudWatch": json.dumps(
        {"events": [{"timestamp": t, "message": x} for t, x in zip(MS, LINES, strict=True)], "nextToken": "x"},
        indent=4,
    ),
    "Loki lines": objects(lambda n, line: {"labels": {"a": "b"}, "line": line, "timestamp": f"{MS[n]}000000"}),
    "Loki": json.dumps(
        {
            "data": {
                "result": [
                    {"stream": {"a": "b"}, "values": [[f"{t}000000", x] for t, x in zip(MS, LINES, strict=True)][::-1]}
                ]
            }
        }
    ),
    "HAR": json.dumps(
        {
            "log": {
                "entries": [
                    {
                        "startedDateTime": "2023-11-14T22:13:19Z",
                        "response": {"content": {}},
                        "_webSocketMessages": [
                            {"type": "receive", "time": t / 1000, "opcode": 1, "data": x}
                            for t, x in zip(MS, LINES, strict=True)
                        ],
                    }
                ]
            }
        },
        indent=2,
    ),
    "t in milliseconds": objects(lambda n, line: {"t": MS[n], "frame": line}),
    "t in microseconds": objects(lambda n, line: {"t": MS[n] * 1000, "frame": line}),
    "t in nanoseconds": objects(lambda n, line: {"t": MS[n] * 10**6, "frame": line}),
    "t in seconds": objects(lambda n, line: {"t": MS[n] / 1000, "frame": line}),
    "t as text": objects(lambda n, line: {"t": f"2023-11-14T22:13:20.{n:03}Z", "frame": line}),
}


def imported(folder: Path, content: bytes, name: str = "given", **options: Any) -> tuple[list[Any], list[int], Header]:
    """The events of the session, their times of receipt, and its header."""
    file = folder / name
    file.write_bytes(content)
    header = import_streams([file], folder / "s.parquet", force=True, **options)
    frames = list(open_session(folder / "s.parquet").frames(kinds=None))
    gaps = [frame for frame in frames if frame.kind == "connection"]
    assert len(gaps) == header.gap_count <= header.lost_count + len(header.problems)
    frames = [frame for frame in frames if frame not in gaps]
    assert {frame.kind for frame in frames} <= {"event"}
    return [json.loads(frame.raw) for frame in frames], [frame.t_ns for frame in frames], header


@pytest.mark.parametrize("shape", TEXTS)
def test_text_of_any_shape(shape: str, tmp_path: Path) -> None:
    events, times, header = imported(tmp_path, TEXTS[shape].encode())

    assert events == EVENTS
    assert times[0] == BEGIN_NS
    assert times[-1] - times[0] == 12_053_000_000
    assert (header.problems, header.drift) == ([], {})
    assert len(header.source.get("notes", [])) <= 1


@pytest.mark.parametrize("shape", WRAPPED)
def test_wrapped_by_log_systems(shape: str, tmp_path: Path) -> None:
    """The events, each once, with the time that stands beside it, whatever its unit."""
    events, times, header = imported(tmp_path, WRAPPED[shape].encode())

    assert events == EVENTS
    assert times == [t * 10**6 for t in MS]
    assert (header.problems, header.drift) == ([], {})


@pytest.mark.parametrize("shape", ["lines", "ari set debug all on", "Python dicts"])
def test_it_is_one_call(shape: str, tmp_path: Path) -> None:
    imported(tmp_path, TEXTS[shape].encode())
    calls = connect(tmp_path / "s.parquet").sql("SELECT caller_number, talk_s FROM calls").fetchall()

    assert calls == [("2025550101", 10)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("shape", ["lines", "crlf", "pretty"])
def test_unicode(encoding: str, shape: str, tmp_path: Path) -> None:
    """With a byte order mark, and UTF-16 without one."""
    assert imported(tmp_path, TEXTS[shape].encode(encoding))[0] == EVENTS


def test_unicode_with_the_other_byte_order(tmp_path: Path) -> None:
    assert imported(tmp_path, codecs.BOM_UTF16_BE + TEXTS["lines"].encode("utf-16-be"))[0] == EVENTS


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_lines_that_are_not_unicode(encoding: str, tmp_path: Path) -> None:
    """They are read as what they probably are, and reported, since names may be wrong."""
    text = TEXTS["lines"].replace("Ž", "Z").replace("Zofie", "Zoë")
    events, _, header = imported(tmp_path, text.encode(encoding))

    assert events == [json.loads(line) for line in text.splitlines()]
    assert header.problems == [
        {"where": "given", "what": "10 lines not in UTF-8, read as Windows-1252. Check the names in them."}
    ]


def zipped(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("logs/", "")
        archive.writestr("logs/a.jsonl", text)
    return file.getvalue()


def tarred(text: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.jsonl")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return file.getvalue()


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress, bz2.compress, lzma.compress, zipped, tarred])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_compressed(compress: Callable[[bytes], bytes], encoding: str, tmp_path: Path) -> None:
    assert imported(tmp_path, compress(TEXTS["lines"].encode(encoding)))[0] == EVENTS


@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress, zipped, tarred])
def test_compressed_and_cut(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What is there is imported, and the loss is reported."""
    data = compress(TEXTS["lines"].encode())
    events, _, header = imported(tmp_path, data[: len(data) * 2 // 3])

    assert events == EVENTS[: len(events)]
    assert "breaks off" in header.problems[-1]["what"]


def test_a_folder(tmp_path: Path) -> None:
    """All its files, without hidden ones; a file without events is reported, and the others are imported."""
    logs = tmp_path / "logs"
    (logs / "old").mkdir(parents=True)
    (logs / "old" / "a.log.gz").write_bytes(gzip.compress("\n".join(LINES[:9]).encode()))
    (logs / "b.log").write_text("\n".join(LINES[9:]), "utf-8")
    (logs / "readme.txt").write_text("The logs of Monday.\n")
    (logs / ".b.log.swp").write_text(LINES[0], "utf-8")
    header = import_streams([logs], tmp_path / "s.parquet")
    frames = open_session(tmp_path / "s.parquet").frames()

    assert [json.loads(frame.raw) for frame in frames] == EVENTS
    assert any("readme.txt: 1 line without an ARI event" in note for note in header.source["notes"])


DOCUMENT = Path(__file__).parents[2] / "docs" / "import.md"


@pytest.mark.parametrize("table", ["'log.csv'", "'log.parquet'", "app.events"])
def test_tables(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the documentation shows of DuckDB, for CSV, Parquet and a database."""
    monkeypatch.chdir(tmp_path)
    rows = [(f"2023-11-14 22:13:20.{number:03}", line) for number, line in enumerate(LINES)]
    with duckdb.connect("app.duckdb") as database:
        database.execute("CREATE TABLE events (received_at TIMESTAMP, event VARCHAR)")
        database.executemany("INSERT INTO events VALUES (?, ?)", rows[::-1])
        for name in ("log.csv", "log.parquet"):
            database.execute(f"COPY events TO '{name}'")
    (recipe,) = re.findall(r"```python\nimport duckdb\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    if table == "app.events":
        duckdb.sql("ATTACH 'app.duckdb' AS app")
    exec(recipe.replace("'log.csv'", table), {"duckdb": duckdb})
    events, times, _ = imported(tmp_path, (tmp_path / "log.jsonl").read_bytes())

    assert events == EVENTS
    assert times == [t * 10**6 for t in MS]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", r"it is empty\."),
        ("root:x:0:0\n" * 30, r"it has 30 lines of text without one, such as line 1: root:x:0:0"),
        ("a\0b\n" * 30, r"it is binary\."),
        ('{"level":"info","msg":"x"}\n' * 5, r"its 5 JSON objects \(fields: level, msg\) do not hold one\."),
        ('{"level":"info","type":"StasisStart","msg":"x"}\n' * 5, "its 5 JSON objects"),
        ('{"type":"access","application":"web","timestamp":"2023-11-14T22:13:20Z"}\n', "its 1 JSON objects"),
        ('[{"id":"1","name":"PJSIP/a-1","creationtime":"2023-11-14T22:13:20.000+0000"}]', "its 1 JSON objects"),
        (
            "{\n  type: 'StasisStart',\n  channel: { id: '1', caller: [Object] }\n}\n",
            "its objects are as Node.js prints them",
        ),
    ],
)
def test_a_file_without_events(content: str, reason: str, tmp_path: Path) -> None:
    """One sentence with its shape, and no session."""
    (tmp_path / "given").write_text(content)
    with pytest.raises(NoEvents, match=rf"given is not an ARI event stream: {reason}"):
        import_streams([tmp_path / "given"], tmp_path / "s.parquet")

    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_named_fields(tmp_path: Path) -> None:
    """A field that would not be taken, and its time."""
    text = objects(lambda n, line: {"a": LINES[0], "b": {"c": line, "at": "x"}, "time": 1, "seen": MS[n]})
    events, times, header = imported(tmp_path, text.encode(), field="b.c", time_field="seen")

    assert (events, times, header.problems) == (EVENTS, [t * 10**6 for t in MS], [])


DAMAGES: dict[str, Callable[[str], str]] = {
    "the end of an event": lambda line: line[:100],
    "nearly all of an event": lambda line: line[:-9],
    "the beginning of an event": lambda line: line[60:],
    "zeros": lambda _: "\0" * 4096,
    "zeros in an event": lambda line: line[:80] + "\0" * 4096 + line[-30:],
    "two events in one": lambda line: line[:200] + LINES[9][150:],
    "bytes of something else": lambda line: line[:90] + "\x07Zw\x01" * 50 + line[200:],
    "the end of one, between others": lambda line: f"{LINES[11][300:]}\n{LINES[11][:120]}",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage(damage: str, tmp_path: Path) -> None:
    """It is reported; the events beside it are whole. It is a gap: a call around it is not complete."""
    lines = [*LINES[:8], DAMAGES[damage](LINES[8]), *LINES[9:]]
    events, _, header = imported(tmp_path, "\n".join(lines).encode())

    assert events == EVENTS[:8] + EVENTS[9:]
    assert header.gap_count == 1
    assert ("broken event" in header.problems[0]["what"]) == bool(header.lost_count) == (damage != "zeros")
    with connect(tmp_path / "s.parquet") as session:
        assert session.sql("SELECT is_complete, duration_s, talk_s FROM calls").fetchall() == [(False, 12.053, None)]
        assert session.sql("SELECT seq FROM recording_gaps").fetchall() == [(8,)]


def test_damage_at_the_borders(tmp_path: Path) -> None:
    """A file that begins or ends within an event is reported, too; the whole call in it is complete."""
    events, _, header = imported(tmp_path, "\n".join([LINES[3][90:], *LINES, LINES[3][:200]]).encode())

    assert (events, header.gap_count) == (EVENTS, 0)
    assert [problem["what"][:25] for problem in header.problems] == ["2 broken events left out,"]


def test_damage_between_two_files(tmp_path: Path) -> None:
    """The event that one file ends with and the next one begins with is lost, in whichever order they are given."""
    files = [tmp_path / "b.log", tmp_path / "a.log"]
    files[0].write_text("\n".join([*LINES[:9], LINES[9][:150]]))
    files[1].write_text("\n".join([LINES[9][150:], *LINES[10:]]))
    for order in (files, files[::-1]):
        header = import_streams(order, tmp_path / "s.parquet", force=True)

        assert (header.gap_count, header.events) == (1, len(LINES) - 1)
        with connect(tmp_path / "s.parquet") as session:
            assert session.sql("SELECT is_complete FROM calls").fetchall() == [(False,)]


@pytest.mark.parametrize(
    "wrap", [lambda line: {"message": line[:300]}, lambda line: {"MESSAGE": None, "PRIORITY": "6"}]
)
def test_an_event_that_a_log_system_cut(wrap: Callable[[str], Any], tmp_path: Path) -> None:
    """It is a loss, not another line; if all are cut, there is no session."""
    cut = json.dumps(wrap(LINES[5]))
    lines = [*LINES[:5], cut, *LINES[6:]]
    events, _, header = imported(tmp_path, "\n".join(lines).encode())

    assert events == EVENTS[:5] + EVENTS[6:]
    assert [problem["what"][:23] for problem in header.problems] == ["1 broken event left out"]
    assert "notes" not in header.source
    with pytest.raises(NoEvents, match="its 3 events are cut off or broken"):
        imported(tmp_path, f"{cut}\n".encode() * 3)


def test_verbatim(tmp_path: Path) -> None:
    """The text of an event is kept as it is written: spaces, line ends, escapes, numbers, keys that are there twice."""
    frames = [
        '{ "type" : "Dial",\n\t"dialstatus" : "\\u0041" , "application":"x","n":1.50,"n":1e400}',
        '{"type":"Dial","dialstatus":""}',
    ]
    (tmp_path / "given").write_text(f"a {frames[0]} b {frames[1]}\n")
    import_streams([tmp_path / "given"], tmp_path / "s.parquet")

    assert [frame.raw for frame in open_session(tmp_path / "s.parquet").frames()] == frames


@pytest.mark.parametrize("shape", ["pretty", "array", "Python logging", "narrow pprint", "docker compose", "CSV"])
@pytest.mark.parametrize("size", [37, 1000])
def test_pieces_of_any_size(shape: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a piece of the file ends does not matter."""
    lines = TEXTS[shape].encode().splitlines(keepends=True)
    pieces = [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    monkeypatch.setattr("arirecord.capture.importer.read_pieces", lambda path: iter(pieces))

    assert imported(tmp_path, TEXTS[shape].encode())[0] == EVENTS


@pytest.mark.parametrize(
    "shape", ["array", "one after the other", "HAR", "JSON strings", "bytes in Python", "Python dicts"]
)
@pytest.mark.parametrize("most", [50, 777])
def test_lines_of_any_length(shape: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long line is read in pieces that end anywhere, also within a text."""
    monkeypatch.setattr("arirecord.capture.import_files._MOST", most)
    monkeypatch.setattr("arirecord.capture.import_files._CHUNK", most)

    assert imported(tmp_path, ({**TEXTS, **WRAPPED})[shape].encode())[0] == EVENTS


def test_values_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that are too long or too deep to decode do not hide what is in them or after them."""
    monkeypatch.setattr("arirecord.capture.json_in_text._LIMIT", 2000)
    text = '{"a":{"b":[' + ",".join(LINES) + "\n" + '{"a":' * 5000 + "\n" + LINES[-1] + "\n"
    assert imported(tmp_path, text.encode())[0] == [*EVENTS, EVENTS[-1]]


def test_one_sentence_for_all_lines(tmp_path: Path) -> None:
    """A file of a hundred thousand other lines has one remark."""
    text = re.sub(r"(?m)^(?=.)", "x\n" * 5000, TEXTS["lines"])
    *_, header = imported(tmp_path, text.encode())

    assert header.problems == []
    assert [note[:37] for note in header.source["notes"]] == ["given: 90,000 lines without an ARI eve"[:37]]


OPEN = {
    "Python": "{'a': 1,\n", "JSON": '{"a": 1,\n', "nested": '{"type":"Dial","a":\n', "logger": "app 17: {\n",
    "lists": '{"a":[1,1,1,1,1,1,1,1,1,1\n', "journal": '{"t":1,"elapsed_ns":1,"event":{\n',
    "quotes": "{'a': '\n", "CSV": 'x,"{""a"": 1,\n', "one line": "{'a':", "escaped": '{\\"',
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", OPEN)
def test_many_values_that_never_close(tmp_path: Path, name: str) -> None:
    """Ten thousands of them take seconds (they took hours); events between them and behind them are found."""
    garbage = OPEN[name] * 10_000 + "\n"
    text = garbage + LINES[0] + "\n" + garbage + each(lambda _, line: line)

    assert imported(tmp_path, text.encode())[0] == [EVENTS[0], *EVENTS]
