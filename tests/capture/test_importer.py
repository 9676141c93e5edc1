"""Whatever lines a file has, they become rows, and what is broken is named."""

import gzip
import json
import os
import threading
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from arirecord.capture import importer
from arirecord.capture.import_events import EventFinder
from arirecord.capture.import_fast_lines import ImportedRows, alike
from arirecord.capture.import_report import FileReport
from arirecord.capture.importer import _Stream, import_streams
from arirecord.capture.json_in_text import ValueReader
from arirecord.errors import JournalError, NoEvents
from arirecord.session.digest import RowDigest
from arirecord.session.header import Header
from arirecord.session.journal import journal_path
from arirecord.session.reader import open_session
from arirecord.session.seal import recover
from tests.conftest import read_lines, streams
from tests.examples import examples


def imported(folder: Path, *contents: bytes) -> tuple[list[tuple[int, str]], list[dict[str, str]]]:
    files = []
    for number, content in enumerate(contents):
        files.append(folder / f"{number}.jsonl")
        files[-1].write_bytes(content)
    header = import_streams(files, folder / "s.parquet", force=True)
    assert header.problem_count == len(header.problems)
    return [(f.t_ns, f.raw) for f in open_session(folder / "s.parquet").frames(kinds=None)], header.problems


def notes(folder: Path) -> list[str]:
    """The remarks of the last import."""
    found: list[str] = list(open_session(folder / "s.parquet").header.source.get("notes", []))
    return found


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_every_form(tmp_path: Path, compress: "type[bytes]") -> None:
    """Recorded lines and bare frames, compressed or not, CRLF or LF, with or without a last line end."""
    lines = b'{"t":1000,"frame":"{\\"type\\":\\"Dial\\"}"}\r\n\n{"t":3000,"frame":"x\\ny"}\n{"type":"ChannelHold"}'

    assert imported(tmp_path, compress(lines)) == (
        [(1000, '{"type":"Dial"}'), (3000, "x\ny"), (3000, '{"type":"ChannelHold"}')],
        [],
    )


def test_times_from_the_events(tmp_path: Path) -> None:
    """Where lines have no time of receipt, the events' own timestamps give it; it never goes back."""
    frames = [
        '{"type":"ApplicationReplaced"}',
        '{"type":"Dial","timestamp":"2026-11-23T22:05:24.514+0000"}',
        '{"type":"Dial","timestamp":"2026-11-23T22:05:24.500+0000"}',
        '{"type":"Dial","timestamp":"2026-11-24T03:35:25.000+0530"}',
    ]
    rows, problems = imported(tmp_path, "\n".join(frames).encode())

    assert [t for t, _ in rows] == [1795471524514000000] * 3 + [1795471525000000000]
    assert problems == []


@pytest.mark.parametrize("stamp", ["1795471524.514", "1795471524514", '"1795471524.514"', "1795471524514000000"])
def test_times_that_another_program_wrote_as_numbers(tmp_path: Path, stamp: str) -> None:
    """A number has no zone, so an event that is printed anew with it has a time."""
    rows, _ = imported(tmp_path, f'{{"type":"Dial","timestamp":{stamp}}}'.encode())
    assert [t for t, _ in rows] == [1795471524514000000]


def test_other_text_is_left_out_and_counted(tmp_path: Path) -> None:
    """One sentence for all of it, with an example; broken events are a fault and have a sentence of their own."""
    lines = [b'{"type":"Dial"}', b"garbage", b"[1]", b'{"level":"info"}', b'{"type":"Dial","x', b"{}", b'{"frame":7}']
    rows, problems = imported(tmp_path, b"\n".join(lines))

    assert [raw for _, raw in rows] == ['{"type":"Dial"}']
    assert problems == [{"where": "0.jsonl", "what": '1 broken event left out, such as {"type":"Dial","x…'}]
    assert notes(tmp_path) == [
        "0.jsonl: 5 lines without an ARI event left out (--keep-text keeps them), such as line 2: garbage"
    ]


def test_other_text_is_kept_on_request(tmp_path: Path) -> None:
    """As rows of another kind, which are not events; in their place."""
    (tmp_path / "a.log").write_bytes(b'started\n{"type":"Dial"}\nx {"a":1} y\n{"type":"ChannelHold"}\n')
    header = import_streams([tmp_path / "a.log"], tmp_path / "s.parquet", keep_text=True)

    rows = [(frame.kind, frame.raw) for frame in open_session(tmp_path / "s.parquet").frames(kinds=None)]
    assert rows == [
        ("text", "started"),
        ("event", '{"type":"Dial"}'),
        ("text", 'x {"a":1} y'),
        ("event", '{"type":"ChannelHold"}'),
    ]
    assert (header.events, header.problems, header.drift) == (2, [], {})


def test_a_time_that_is_not_one(tmp_path: Path) -> None:
    """The event is kept without it, and the fault is counted once; a time of 1970 is reported."""
    lines = [b'{"t":1.5,"frame":"{}"}', b'{"t":-1,"frame":"{}"}', b'{"t":true,"frame":"{}"}', b'{"t":7,"frame":"{}"}']
    rows, problems = imported(tmp_path, b"\n".join(lines))

    assert rows == [(7, "{}")] * 4
    assert problems == [
        {"where": "0.jsonl", "what": "3 events with a time that is not one since 1970; it was left out."}
    ]
    assert notes(tmp_path) == ['0.jsonl: "t" of 1 rows is before the year 2000; it should be nanoseconds since 1970.']


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_cut_at_every_byte(tmp_path: Path, compress: "type[bytes]") -> None:
    """A compressed file that breaks off gives what it has, in order, and says where."""
    lines = [b'{"t":%d,"frame":"%d"}' % (n, n * n) for n in range(40)]
    data = compress(b"\n".join(lines) + b"\n")
    for cut in range(5, len(data), 7):
        rows, problems = imported(tmp_path, data[:cut])
        whole = [raw for _, raw in rows if not raw.startswith("{")]

        assert whole == [str(n * n) for n in range(len(whole))]
        assert any("breaks off" in p["what"] for p in problems)


def test_several_files_and_frames_of_zstd(tmp_path: Path) -> None:
    """One after the other, in the order given; a file may be several compressed ones in a row."""
    parts = [b'{"t":1,"frame":"a"}\n', b'{"t":2,"frame":"b"}\n']
    rows, _ = imported(tmp_path, b"".join(map(zstandard.compress, parts)), b'{"t":3,"frame":"c"}')

    assert rows == [(1, "a"), (2, "b"), (3, "c")]


def test_a_journal_is_a_stream_too(tmp_path: Path) -> None:
    """Its head is no frame."""
    rows, problems = imported(tmp_path, b'{"arirecord":{"format":1}}\n{"t":1,"elapsed_ns":0,"frame":"{}"}\n')

    assert (rows, problems) == ([(1, "{}")], [])


def test_a_pipe_is_kept_in_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't be read again: should sealing fail, the journal has all of it. A file needs none."""
    lines = b'{"t":5,"frame":"{}"}\nother\n{"t":7,"frame":"x"}\n'
    expected = imported(tmp_path, lines)[0]
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[lines])
    writing.start()
    with monkeypatch.context() as patch:
        patch.setattr(importer, "seal", fail)
        with pytest.raises(OSError, match="no room"):
            import_streams([tmp_path / "pipe"], tmp_path / "p.parquet")
    writing.join()
    recover(journal_path(tmp_path / "p.parquet"))

    assert [(f.t_ns, f.raw) for f in open_session(tmp_path / "p.parquet").frames(kinds=None)] == expected


def fail(*args: object, **options: object) -> None:
    raise OSError("no room")


def test_a_difference_leaves_no_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is held against what was read from the file, which stays."""
    monkeypatch.setattr(RowDigest, "__eq__", lambda self, other: False)
    with pytest.raises(JournalError, match="not as it was received"):
        imported(tmp_path, b'{"type":"Dial"}\n')

    assert [path.name for path in tmp_path.iterdir()] == ["0.jsonl"]


def test_beginning_again_counts_problems_once(tmp_path: Path) -> None:
    """A type written strangely is not found by the first look, so that the file is read again."""
    frame = '{"type"  :  "Dial","dialstatus":"BUSY"}'
    rows, problems = imported(tmp_path, b'{"type":"Dial","x\n' + json.dumps({"t": 1, "frame": frame}).encode())

    assert [p["where"] for p in problems] == ["0.jsonl"]
    assert rows == [(1, frame)]
    assert open_session(tmp_path / "s.parquet").events().collect()["dialstatus"].to_list() == ["BUSY"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"root:x:0:0:root:/root:/bin/bash\n",
        b"seq,type\n1,Dial\n",
        bytes(range(256)) * 50,
        b'[{"type":"access","application":"web"}]',
        b'{\n  "type": "module"\n}\n',
        b'{"type":"Feature","geometry":null}\n{"type":"Feature","geometry":null}\n',
        b'{"level":"info","message":"started"}\n',
        gzip.compress(b"not an event\n"),
        zstandard.compress(b"{}\n"),
    ],
    ids=["empty", "blank", "passwd", "csv", "binary", "array", "package", "geo", "log", "gzip", "zstd"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """Without an ARI event there is no session and no journal, from a file and from a pipe; the error names it."""
    file, target = tmp_path / "other.dat", tmp_path / "s.parquet"
    file.write_bytes(content)
    with pytest.raises(NoEvents, match=r"other\.dat is not an ARI event stream"):
        import_streams([file], target)
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writing.start()
    with pytest.raises(NoEvents, match="pipe is not an ARI event stream"):
        import_streams([tmp_path / "pipe"], target)
    writing.join()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.dat", "pipe"]


def test_one_event_makes_a_stream(tmp_path: Path) -> None:
    """Wherever it is in the file, also of a type that no Asterisk had so far; an empty file beside it does no harm."""
    rows, problems = imported(tmp_path, b"x\n" * 99 + b'{"type":"FromTheFuture","application":"a"}\n', b"")

    assert (len(rows), problems) == (1, [])
    assert notes(tmp_path) == [
        "0.jsonl: 99 lines without an ARI event left out (--keep-text keeps them), such as line 1: x"
    ]


def test_a_file_of_another_kind_among_streams(tmp_path: Path) -> None:
    """It is named, and the others are not imported without it."""
    for name, content in (("a.jsonl", b'{"type":"Dial"}\n'), ("b.txt", b"notes\n")):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NoEvents, match=r"b\.txt is not"):
        import_streams([tmp_path / "a.jsonl", tmp_path / "b.txt"], tmp_path / "s.parquet")

    assert not (tmp_path / "s.parquet").exists()


def alone(lines: list[bytes]) -> ImportedRows | None:
    """Lines read without the fast path."""
    stream = _Stream([], Header(0, {}), EventFinder(), keep_text=False)
    text = b"".join(line + b"\n" for line in lines).decode("utf-8", "replace")
    found = list(stream._found_in(ValueReader(), text, FileReport("f"), is_last=True))
    return found[0] if found else None


@given(st.binary())
def test_any_line(line: bytes) -> None:
    """Never raises, and what it keeps is the text."""
    part = alone([line.replace(b"\n", b"")])

    assert part is None or all(isinstance(raw, str) for raw in part.raws)


FORMS = [
    [
        b'{"type":"Dial","timestamp":"2026-11-23T22:05:24.514+0000"}',
        b'{"type":"Dial","timestamp":"2026-11-23T22:05:24.5149+0530","timestamp":"2026-11-23T22:05:25.514+0000"}',
        b'{"type":"Dial","timestamp":5}',
        b'{"type":"Future","timestamp":"yesterday","application":"\xc3\xbc"}',
        b'{"type" : "Dial", "peer":{}}',
    ],
    [
        b'{"t":1700000000000000000,"frame":"{}"}',
        b'{"frame":"x\\n\\u0000\xc3\xbc","t":1700000000000000003}',
        b'{"t": 4000000000000000000, "frame": ""}',
        b'{"t":1700000000000000001,"t":1700000000000000002,"frame":"last"}',
    ],
    [b'{"t":1,"elapsed_ns":2,"event":{}}', b'{"t":3,"elapsed_ns":2,"event":{no json, \xc3\xbc}}'],
    [
        b'{"t":true,"frame":"{}"}',
        b'{"t":-1,"frame":"{}"}',
        b'{"t":9223372036854775808,"frame":"{}"}',
        b'{"t":99999999999999999999,"frame":"{}"}',
        b'{"t":1.0,"frame":"{}"}',
        b'{"t":null,"frame":"{}"}',
        b'{"t":1,"frame":null}',
        b'{"t":1,"frame":"\\ud800"}',
        b'{"t":1,"frame":"\xff"}',
        b'{"t":1,"frame":"bin","kind":"binary"}',
        b'{"t":1,"elapsed_ns":0,"frame":"{}"}',
        b'{"t":9223372036854775808,"elapsed_ns":2,"event":{}}',
        b'{"t":1,"elapsed_ns":2,"event":{\xff}}',
        b'{"t":1, "elapsed_ns":2, "event":{}}',
        b'{"arirecord":{}}',
        b'\xef\xbb\xbf{"arirecord":{}}',
        b'{"timestamp":"\\ud800"}',
        b'{"a":NaN}',
        b'{"a":[1',
        b"2]}",
        b"{},{}",
        b"[]",
        b"1",
        b'"frame"',
        b"",
        b" ",
        b"\xff",
    ],
]
"""Lines of a form that is read many at a time; the last have none of them."""
ANY_FORM = [line for form in FORMS for line in form]


@given(
    st.one_of(
        *(st.lists(st.sampled_from(form), min_size=1, max_size=5) for form in FORMS),
        st.lists(st.sampled_from(ANY_FORM), min_size=1, max_size=3),
        st.lists(st.binary().filter(lambda line: b"\n" not in line), min_size=1, max_size=3),
    )
)
def test_lines_read_together_are_as_read_alone(lines: list[bytes]) -> None:
    """The same times, kinds and texts, or they are left to be read alone."""
    together = alike(lines)
    if together is not None:
        one_by_one = alone(lines)

        assert one_by_one is not None
        assert list(together.times) == one_by_one.times
        assert (together.kinds, list(together.raws)) == (one_by_one.kinds, one_by_one.raws)


@pytest.mark.parametrize("form", range(3))
def test_common_forms_are_read_together(form: int) -> None:
    """None of them the slow way."""
    assert alike(FORMS[form]) is not None


def test_times_of_a_long_file(tmp_path: Path) -> None:
    """Rows of many batches, most without a time: each has the one before it, the first that of the first known."""
    untimed = b'{"type":"Dial","dialstatus":"%d"}'
    lines = [untimed % n if n % 1700 else b'{"t":%d,"frame":"%d"}' % (n + 1, n) for n in range(1, 5000)]
    rows, problems = imported(tmp_path, b"\n".join(lines))

    assert [t for t, _ in rows] == [max(n // 1700, 1) * 1700 + 1 for n in range(1, 5000)]
    assert problems == []


@examples(25)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=10))
def test_any_frame(tmp_path_factory: pytest.TempPathFactory, frames: list[str]) -> None:
    """Recorded lines give their frames back, whatever the text."""
    text = "\n".join(json.dumps({"t": n, "frame": frame}) for n, frame in enumerate(frames))
    rows, problems = imported(tmp_path_factory.mktemp("import"), text.encode())

    assert rows == list(enumerate(frames))
    assert problems == []


@pytest.mark.parametrize("name", streams())
def test_every_real_stream(tmp_path: Path, name: str) -> None:
    """Comes back byte for byte with its times."""
    import_streams([streams()[name]], tmp_path / "s.parquet")
    lines = map(json.loads, read_lines(streams()[name]))

    assert [(f.t_ns, f.raw) for f in open_session(tmp_path / "s.parquet").frames()] == [
        (x["t"], x["frame"]) for x in lines
    ]
