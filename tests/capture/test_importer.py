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
from arirecord.capture.importer import _alike, _one_by_one, import_streams, parse_line
from arirecord.errors import ArirecordError, JournalError
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


def test_broken_lines_are_kept_and_named(tmp_path: Path) -> None:
    """With file and line number; the others are not touched."""
    lines = [
        b'{"type":"Dial"}',
        b"garbage",
        b"[1]",
        b"\xff",
        b'{"t":1.5,"frame":"{}"}',
        b'{"frame":7}',
        b'{"frame":"\\ud800"}',
        b"{}",
    ]
    rows, problems = imported(tmp_path, b"\n".join(lines))

    assert [raw for _, raw in rows] == [
        '{"type":"Dial"}',
        "garbage",
        "[1]",
        "/w==",
        "{}",
        '{"frame":7}',
        '{"frame":"\\ud800"}',
        "{}",
    ]
    assert [p["where"] for p in problems] == [f"0.jsonl:{n}" for n in range(2, 8)]


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
    lines = b'{"t":5,"frame":"{}"}\nbroken\n{"t":7,"frame":"x"}\n'
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
        imported(tmp_path, b'{"type":"Dial"}\n{}')

    assert [path.name for path in tmp_path.iterdir()] == ["0.jsonl"]


def test_beginning_anew_counts_problems_once(tmp_path: Path) -> None:
    """A type written strangely is not seen by the first look, so that the file is read again."""
    frame = '{"type" : "Dial","dialstatus":"BUSY"}'
    rows, problems = imported(tmp_path, b"broken\n" + json.dumps({"t": 1, "frame": frame}).encode())

    assert [p["where"] for p in problems] == ["0.jsonl:1"]
    assert rows[1] == (1, frame)
    assert open_session(tmp_path / "s.parquet").events().collect()["dialstatus"].to_list() == [None, "BUSY"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"root:x:0:0:root:/root:/bin/bash\n",
        b"seq,type\n1,Dial\n",
        bytes(range(256)) * 50,
        b'[{"type":"Dial"}]',
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
    with pytest.raises(ArirecordError, match=r"other\.dat is not an ARI event stream"):
        import_streams([file], target)
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writing.start()
    with pytest.raises(ArirecordError, match="pipe is not an ARI event stream"):
        import_streams([tmp_path / "pipe"], target)
    writing.join()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.dat", "pipe"]


def test_one_event_makes_a_stream(tmp_path: Path) -> None:
    """Wherever it is in the file, also of a type that no Asterisk had so far; an empty file beside it does no harm."""
    rows, problems = imported(tmp_path, b"x\n" * 99 + b'{"type":"FromTheFuture","application":"a"}\n', b"")

    assert (len(rows), len(problems)) == (100, 99)


def test_a_file_of_another_kind_among_streams(tmp_path: Path) -> None:
    """It is named, and the others are not imported without it."""
    for name, content in (("a.jsonl", b'{"type":"Dial"}\n'), ("b.txt", b"notes\n")):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArirecordError, match=r"b\.txt is not"):
        import_streams([tmp_path / "a.jsonl", tmp_path / "b.txt"], tmp_path / "s.parquet")

    assert not (tmp_path / "s.parquet").exists()


@given(st.binary())
def test_any_line(line: bytes) -> None:
    """Never raises, and what it keeps is the text."""
    parsed = parse_line(line.replace(b"\n", b""))

    assert parsed is None or isinstance(parsed.raw, str)


FORMS = [
    [
        b'{"type":"Dial","timestamp":"2026-11-23T22:05:24.514+0000"}',
        b'{"type":"Dial","timestamp":"2026-11-23T22:05:24.5149+0530","timestamp":"2026-11-23T22:05:25.514+0000"}',
        b'{"timestamp":5}',
        b'{"timestamp":"yesterday","x":"\xc3\xbc"}',
        b' {"type" : "Dial", "channel":{}} ',
        b"{}",
    ],
    [
        b'{"t":1,"frame":"{}"}',
        b'{"frame":"x\\n\\u0000\xc3\xbc","t":3}',
        b'{"t": 9223372036854775807, "frame": ""}',
        b'{"t":1,"t":2,"frame":"last"}',
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
    ),
    st.integers(0, 1),
)
def test_lines_read_together_are_as_read_alone(lines: list[bytes], before: int) -> None:
    """The same times, kinds and texts, or they are left to be read alone."""
    together = _alike(lines)
    if together is not None:
        header = Header(0, {})
        alone = _one_by_one(lines, before, "f", header)

        assert (list(together.times), together.kinds) == (alone.times, alone.kinds)
        assert [raw if isinstance(raw, str) else raw.decode() for raw in together.raws] == alone.raws
        assert header.problem_count == 0


@pytest.mark.parametrize("form", range(3))
def test_common_forms_are_read_together(form: int) -> None:
    """None of them the slow way."""
    assert _alike(FORMS[form]) is not None


def test_times_of_a_long_file(tmp_path: Path) -> None:
    """Rows of many batches, most without a time: each has the one before it, the first that of the first known."""
    lines = [b'{"n":%d}' % n if n % 1700 else b'{"t":%d,"frame":"%d"}' % (n + 1, n) for n in range(1, 5000)]
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
