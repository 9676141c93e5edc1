"""Wrong columns, wrong headers, and what is only named as a file: a sentence, never a traceback."""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import arirecord
from arirecord.cli import cli
from arirecord.session.header import KEY
from tests.cli.conftest import COMMAND, SAMPLES
from tests.waiting import HANG_S

SESSION = SAMPLES / "failed_calls.parquet"
TABLE = pq.read_table(SESSION)
HEADER = json.loads(pq.read_metadata(SESSION).metadata[KEY])
COUNT = TABLE.num_rows
WRONG: dict[str, Callable[[str], pa.Array | None]] = {
    "dropped": lambda name: None,
    "int": lambda name: pa.array([7] * COUNT, pa.int32()),
    "text": lambda name: pa.array(["seven"] * COUNT, pa.large_string()),
    "list": lambda name: pa.array([[7]] * COUNT),
    "struct": lambda name: pa.array([{"a": 7}] * COUNT),
    "null type": lambda name: pa.nulls(COUNT),
    "nulls": lambda name: pa.nulls(COUNT, TABLE.schema.field(name).type),
}
EVERY_SESSION_HAS = (
    "seq", "received_at", "elapsed_ns", "kind", "type", "application", "asterisk_id", "timestamp", "extra", "raw",
)  # fmt: skip
VERBS = (
    ("info", "{}"),
    ("doctor", "{}"),
    ("cat", "{}"),
    ("cat", "{}", "--all-kinds", "--since", "+0s"),
    ("query", "{}", "FROM calls"),
    ("query", "{}", "FROM events"),
    ("explain", "{}", "--all"),
    ("compact", "{}", "-o", "out.parquet"),
    ("filter", "{}", "--type", "Dial", "-o", "out.parquet"),
    ("diff", "{}", "{}"),
)


def write(path: Path, table: pa.Table, header: object = HEADER) -> Path:
    """Write columns with a header as a session."""
    metadata = {KEY: header if isinstance(header, bytes) else json.dumps(header).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def with_column(name: str, values: pa.Array | None) -> pa.Table:
    """Return the columns of the session with another one of this name."""
    place = TABLE.schema.get_field_index(name)
    return TABLE.remove_column(place) if values is None else TABLE.set_column(place, name, values)


def assert_no_traceback(path: Path, verbs: "tuple[tuple[str, ...], ...]" = VERBS) -> Iterator[int]:
    """Run verbs on a file and yield their exit codes."""
    for verb in verbs:
        done = CliRunner().invoke(cli, [each.replace("{}", str(path)) for each in verb])
        assert done.exception is None or isinstance(done.exception, SystemExit), (verb, done.exc_info)
        yield done.exit_code


@pytest.mark.parametrize("name", EVERY_SESSION_HAS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_column_that_every_session_has(tmp_path: Path, name: str, wrong: str) -> None:
    """If it is wrong the file is refused, by its name."""
    path = write(tmp_path / "x.parquet", with_column(name, WRONG[wrong](name)))
    if wrong == "nulls" and name not in ("seq", "received_at", "elapsed_ns", "kind"):
        if name == "raw":
            with pytest.raises(arirecord.NotASession, match="a row has no text"):
                list(arirecord.open_session(path).frames())
        return

    with pytest.raises(arirecord.NotASession, match=f"x.parquet can't be read: it.* {name}"):
        arirecord.open_session(path)


def test_a_column_twice(tmp_path: Path) -> None:
    """It is refused: which of the two would be right?"""
    path = write(tmp_path / "x.parquet", TABLE.append_column("raw", TABLE["raw"]))

    with pytest.raises(arirecord.NotASession, match="the column raw 2 times"):
        arirecord.open_session(path)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_no_column_gives_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """Whatever becomes of it, in every verb; `nulls` and `dropped` columns that a session may lack are none."""
    monkeypatch.chdir(tmp_path)
    names = [*EVERY_SESSION_HAS, "channel_id", "channel_creationtime", "bridge_channels", "channel_dialplan_priority"]
    for name in names:
        made = WRONG[wrong](name)
        list(assert_no_traceback(write(tmp_path / "x.parquet", with_column(name, made)), VERBS[:4]))


HOSTILE: list[Any] = [
    None, True, -1, 1 << 62, 1 << 70, 1.5, "x", "\x1b]0;x\x07", [], [1], {}, {"a": "b"}, {"a": -1}, {"a": {"b": "c"}},
    {"a": [1]}, {"Dial": 1.5}, {"": None}, "9999-99-99",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(HEADER))
def test_no_header_value_gives_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A wrong one is refused, and named."""
    monkeypatch.chdir(tmp_path)
    for value in HOSTILE:
        path = write(tmp_path / "x.parquet", TABLE.slice(0, 40), {**HEADER, name: value})
        list(assert_no_traceback(path, VERBS[:2]))
    missing = {key: value for key, value in HEADER.items() if key != name}
    list(assert_no_traceback(write(tmp_path / "x.parquet", TABLE, missing), VERBS[:2]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("types", {"Dial": "many"}),
        ("applications", {"a": 1.5}),
        ("drift", {"a": {"b": None}}),
        ("problems", ["x"]),
        ("first_at", "yesterday"),
        ("last_at", "2026-13-01"),
        ("started_ns", -1),
        ("duration_ns", 1 << 63),
    ],
)
def test_a_header_value_of_the_wrong_kind(tmp_path: Path, name: str, value: object) -> None:
    """It is refused by name."""
    path = write(tmp_path / "x.parquet", TABLE, {**HEADER, name: value})

    with pytest.raises(arirecord.NotASession, match=f"its header is damaged: {name} is"):
        arirecord.open_session(path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_file_is_passed_over(tmp_path: Path, kind: str) -> None:
    """In a folder with a word; named itself it is refused. Nothing waits for it."""
    (tmp_path / "a.parquet").symlink_to(SESSION)
    for name in ("b.parquet", "c.parquet.journal"):
        if kind == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            os.mknod(tmp_path / name, 0o140600) if os.getuid() == 0 else socket.socket(socket.AF_UNIX).bind(name)

    for verb in (["info"], ["doctor"], ["calls"], ["query", "FROM calls"]):
        args = [*COMMAND, verb[0], str(tmp_path), *verb[1:]]
        done = subprocess.run(args, capture_output=True, text=True, timeout=HANG_S)
        assert done.returncode == 0, done.stderr
        assert "b.parquet" in done.stderr + done.stdout
    for name in ("info", "doctor", "cat", "calls"):
        done = subprocess.run(
            [*COMMAND, name, str(tmp_path / "b.parquet")], capture_output=True, text=True, timeout=HANG_S
        )
        assert done.returncode == 1
        assert "pipe" in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
    done = subprocess.run([*COMMAND, "recover", str(tmp_path)], capture_output=True, text=True, timeout=HANG_S)
    assert "no journal" in done.stderr
