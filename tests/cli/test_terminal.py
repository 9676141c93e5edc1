"""What a caller, a server or a file name says never drives the terminal."""

import json
import os
import pty
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from arirecord.printable import printable

from .conftest import COMMAND, SAMPLES, Run

HOSTILE = (
    "\x1b]0;PWNED\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b]8;;http://evil\x1b\\x\x9b2J\x9d0;y\x9c\u202eesrever\u2066\u200b"
    "\x00\b\x7f\u2028\ufeff"
)
OWN_CODES = re.compile(rb"\x1b\[[\d;?]*[mKhlA]|\r")
"""Colours, the cursor and the erased line of progress: what the command itself writes."""
TABLES = ("calls", "legs", "channels", "variables", "findings", "dtmf")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session in which names, variables, applications and types of events are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    name = json.dumps(HOSTILE)[1:-1]
    done = subprocess.run([*COMMAND, "cat", str(SAMPLES / "ivr_dtmf.parquet")], capture_output=True, check=True)
    frames = done.stdout.decode().replace("User 1002", name).replace('"application":"', f'"application":"{name}')
    first = frames.splitlines()[0].replace('"ChannelCreated"', f'"Created{name}"')
    (folder / "frames.jsonl").write_text(f"{first}\n{frames}")
    subprocess.run([*COMMAND, "import", "frames.jsonl", "-o", "hostile.parquet"], cwd=folder, check=True)
    return folder / "hostile.parquet"


def on_terminal(*args: object) -> bytes:
    """Run a command on a terminal, and return everything that it wrote to it."""
    ours, its = pty.openpty()
    written = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:
                return
            if not data:
                return
            written.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    process = subprocess.Popen([*COMMAND, *map(str, args)], stdin=its, stdout=its, stderr=its)
    os.close(its)
    process.wait()
    reader.join()
    os.close(ours)
    return bytes(written)


def assert_harmless(output: bytes) -> None:
    """Nothing but lines, and colours of our own."""
    text = OWN_CODES.sub(b"", output).decode()
    assert printable(text, "\n") == text
    assert "Traceback" not in text


HUMAN: list[Callable[[Path], tuple[object, ...]]] = [
    *((lambda path, table=table: (table, path, "--all-columns")) for table in TABLES),
    lambda path: ("calls", path, "--vertical"),
    lambda path: (
        "query",
        path,
        "SELECT caller_name, caller_name || chr(10) || 'two' FROM calls",
        "--format",
        "markdown",
    ),
    lambda path: ("query", path, "PIVOT (SELECT caller_name FROM calls) ON caller_name USING count(*)"),
    lambda path: ("explain", path, "--all"),
    lambda path: ("info", path),
    lambda path: ("doctor", path),
    lambda path: ("diff", path, SAMPLES / "ivr_dtmf.parquet"),
    lambda path: ("calls", path, "--where", f"caller_name = '{HOSTILE.replace(chr(0), '')}' AND nonsense > 1"),
    lambda path: ("info", path.with_name(f"{HOSTILE.replace(chr(0), '').replace('/', '')}.parquet")),
]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(HUMAN)))
def test_text_for_people_is_safe_everywhere(hostile: Path, number: int) -> None:
    """On a terminal, and in a pipe that a pager shows."""
    command = HUMAN[number](hostile)
    piped = subprocess.run([*COMMAND, *map(str, command)], capture_output=True)

    assert_harmless(on_terminal(*command))
    assert_harmless(piped.stdout + piped.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("cat",),
        ("cat", "--format", "jsonl"),
        ("info", "--format", "json"),
        ("doctor", "--format", "json"),
        ("calls", "--format", "csv"),
        ("calls", "--format", "json"),
        ("variables", "--format", "jsonl"),
        ("export", "--format", "jsonl", "-o", "-"),
        ("explain", "--all", "--format", "mermaid"),
    ],
)
def test_formats_for_machines_are_safe_on_a_terminal(hostile: Path, options: tuple[str, ...]) -> None:
    """What is not printable is written as in JSON."""
    verb, *others = options

    assert_harmless(on_terminal(verb, hostile, *others))


def test_frames_stay_verbatim_in_a_pipe(run: Run, tmp_path: Path) -> None:
    """Byte for byte, whatever they hold; on a terminal JSON stays the same JSON."""
    frame = json.dumps({"type": "Dial", "dialstatus": "\x9b2J\u202e😀\U000e0041"}, ensure_ascii=False)
    (tmp_path / "frames.jsonl").write_text(f"{frame}\n")
    run("import", "frames.jsonl", "-o", "x.parquet")

    assert run("cat", "x.parquet").stdout.decode() == f"{frame}\n"
    shown = on_terminal("cat", tmp_path / "x.parquet").decode()
    assert "\\u009b" in shown
    assert json.loads(shown) == json.loads(frame)


@pytest.mark.slow
def test_formulas_are_texts_if_wanted(run: Run, tmp_path: Path) -> None:
    """With `--csv-safe` a spreadsheet shows them; numbers stay numbers."""
    query = "SELECT '=cmd|x' AS a, '+420' AS b, '@x' AS c, chr(9) || 'x' AS d, 'a=b' AS e, -5 AS f"
    ivr = SAMPLES / "ivr_dtmf.parquet"

    assert run("query", ivr, query, "--format", "csv").stdout.splitlines()[1] == b"=cmd|x,+420,@x,\tx,a=b,-5"
    safe = run("query", ivr, query, "--format", "csv", "--csv-safe").stdout.splitlines()[1]
    assert safe == b"'=cmd|x,'+420,'@x,'\tx,a=b,-5"
    (tmp_path / "frames.jsonl").write_text('{"type": "Dial", "dialstatus": "=1+1"}\n')
    run("import", "frames.jsonl", "-o", "x.parquet")
    run("export", "x.parquet", "-o", "x.csv", "--csv-safe")
    assert ",'=1+1," in (tmp_path / "x.csv").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "jsonl", "markdown", "table"])
def test_every_type_of_duckdb_can_be_printed(run: Run, form: str) -> None:
    """Also those that no text format has."""
    run("query", SAMPLES / "ivr_dtmf.parquet", "FROM duckdb_settings()", "--format", form)
    values = (
        "'a\\x00b'::BLOB", "'0101'::BIT", "'01:02:03+01'::TIMETZ", "INTERVAL 1 DAY", "[INTERVAL 1 DAY]", "1::VARIANT",
        "union_value(a := 1)", "MAP {'a': [1]}", "{'a': [{'b': 1}]}", "NULL", "1::UHUGEINT", "uuid()", "1::BIGNUM",
        "[1, 2]::INT[2]", "'a'::ENUM('a')", "{'a': 'x'::BLOB}",
    )  # fmt: skip
    for value in values:
        run("query", SAMPLES / "ivr_dtmf.parquet", f"SELECT {value} AS x", "--format", form)


@pytest.mark.parametrize("character", "\u115f\u2800\u3164\uffa0\u200b\u2063")
def test_a_character_without_a_form_is_shown(character: str) -> None:
    """Two names that look the same are the same."""
    assert printable(f"Mia{character}") == "Mia\ufffd"
