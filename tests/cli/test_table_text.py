"""Tables for people: what is shown on a terminal of any width, and that a pipe gets everything."""

import fcntl
import json
import os
import pty
import re
import struct
import termios
from datetime import datetime
from typing import Any

import duckdb
import pytest
from rich.console import Console

import arirecord
from arirecord.analytics.connection import columns_of_models
from arirecord.analytics.models import describe, mart_names
from arirecord.cli.table_text import Layout, TextColumn, lay_out, plain_lines

from .conftest import COMMAND, SAMPLES, Run

TRANSFERS = SAMPLES / "transfers.parquet"
WEEK = SAMPLES / "week"
WIDTHS = (80, 100, 140)
UUID = "ed683992-0b1c-4d5e-8f00-aabbcc29d5b2"


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    return arirecord.connect(WEEK)


def on_terminal(width: int, *args: object) -> str:
    """What a person sees who runs the command in a terminal of this width: stdout and stderr."""
    process, terminal = pty.fork()
    if process == 0:
        # Not `execvp`: it also hands on the COLUMNS that `readline` sets, if pytest runs on a terminal.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        os.execvpe(COMMAND[0], [*COMMAND, *map(str, args)], {**environment, "TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    seen = b""
    try:
        while more := os.read(terminal, 1 << 16):
            seen += more
    except OSError:  # it has ended
        pass
    os.close(terminal)
    os.waitpid(process, 0)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rpartition("\r")[2].rstrip() for line in lines)


def printed(layout: Layout, width: int) -> list[str]:
    console = Console(width=width, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(layout.table)
    return capture.get().splitlines()


def laid_out(width: int, values: dict[str, list[Any]], *, zone: str = "UTC", is_asked: bool = False) -> list[str]:
    """The lines of a table of these columns."""
    columns = [
        TextColumn(name, cells, all(isinstance(cell, int | float | None) for cell in cells), is_asked)
        for name, cells in values.items()
    ]
    layout = lay_out(columns, width, zone)
    return [*([layout.title] if layout.title else []), *(line.rstrip() for line in printed(layout, width))]


@pytest.mark.parametrize("mart", mart_names())
def test_the_columns_shown(mart: str) -> None:
    """Are 6 to 9 that the table has, or all of a small table."""
    shown, columns = describe(mart).shown, columns_of_models([mart])[mart]

    assert len(set(shown)) == len(shown)
    assert set(shown) <= set(columns)
    assert 6 <= len(shown) <= 9 or len(shown) == len(columns) < 6


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("mart", mart_names())
def test_a_table_fits(tables: duckdb.DuckDBPyConnection, mart: str, width: int) -> None:
    """Nothing is cut to letters: names of columns are whole words, short cells whole, and three columns stay."""
    shown = describe(mart).shown
    rows = tables.sql(f"FROM {mart}").select(*shown).limit(40).fetchall()
    columns = [
        TextColumn(name, [row[place] for row in rows], any(isinstance(row[place], int | float) for row in rows))
        for place, name in enumerate(shown)
    ]
    layout = lay_out(columns, width)
    lines = printed(layout, width)
    kept = [column for column in columns if column.name not in layout.left_out]
    words = set(" ".join(lines).split())

    assert all(len(line) <= width for line in lines)
    assert len(kept) >= 3
    assert "call_id" not in shown or "call_id" not in layout.left_out
    for column in kept:
        head = [part for part in re.split(r"(?<=_)", column.name) if part]
        assert any("".join(head[:count]) in words for count in range(1, len(head) + 1)), column.name
        cells = [cell for cell in column.cells if len(cell) <= 16]
        assert all(word in words for cell in cells for word in cell.split()), column.name
        if column.name == "call_id":
            assert all(value is None or value in words for value in column.values)


def test_ids() -> None:
    """Long ones are shortened if the table is too wide, unless they are asked for; a call's id never."""
    wide: dict[str, list[Any]] = {
        "call_id": [UUID],
        "bridge_id": [UUID],
        "channel_id": ["1795474763.86"],
        "note": ["x" * 20],
    }

    assert UUID[:10] + "…" + UUID[-10:] in "".join(laid_out(90, wide))
    assert "PJSIP/carrier-00000002" in laid_out(50, {"bridge_id": [UUID], "name": ["PJSIP/carrier-00000002"]})[-1]
    for lines in (laid_out(200, wide), laid_out(120, wide, is_asked=True)):
        assert lines[-1].split()[:3] == [UUID, UUID, "1795474763.86"]
    assert all(UUID in laid_out(width, wide)[-1] for width in WIDTHS)


def test_numbers() -> None:
    """Are on the right, with as many decimals as their size deserves."""
    values: dict[str, list[Any]] = {
        "count": [5, 12345],
        "short_s": [0.2971, 7],
        "middle_s": [12.3456, None],
        "long_s": [3600.4, 0.1],
        "even": [1.0, 2.0],
    }
    lines = laid_out(80, values)

    assert lines == [
        "count  short_s  middle_s  long_s  even",
        "──────────────────────────────────────",
        "    5    0.297     12.35    3600     1",
        "12345    7.000                 0     2",
    ]


@pytest.mark.parametrize(
    ("times", "lines"),
    [
        (["2026-11-23T22:59:13.635", None], ["2026-11-23 CET", "at", "22:59:13.635"]),
        (["2026-11-23T22:59:13", "2026-11-23T23:00:00"], ["2026-11-23 CET", "at", "22:59:13", "23:00:00"]),
        (["2026-11-23T22:15", "2026-11-23T22:30"], ["2026-11-23 CET", "at", "22:15", "22:30"]),
        (["2026-11-23T22:59:13.635", "2026-11-24T01:00"], ["2026 CET", "at", "11-23 22:59:13", "11-24 01:00:00"]),
        (["2026-11-23T00:00", "2026-11-24T00:00"], ["2026 CET", "at", "11-23", "11-24"]),
        (["2026-12-31T23:00", "2027-01-01T01:00"], ["at", "2026-12-31 23:00", "2027-01-01 01:00"]),
    ],
)
def test_times(times: list[str | None], lines: list[str]) -> None:
    """Have no day, or year, where all share it: it stands above, with the zone."""
    found = laid_out(80, {"at": [time and datetime.fromisoformat(time) for time in times]}, zone="CET")

    assert [line for line in found if line.strip("─")] == lines


def test_what_a_terminal_would_obey() -> None:
    """Is not sent to it: a caller's name is anybody's text."""
    assert "\x1b" not in "".join(laid_out(80, {"caller_name": ["\x1b]0;gotcha\x07Bob"]}))


def test_columns_that_do_not_fit() -> None:
    """Are left out, and named; those behind them stay if there is room."""
    layout = lay_out([TextColumn("a", ["x" * 30]), TextColumn("b", ["y" * 39]), TextColumn("c", ["z" * 20])], 60)

    assert layout.left_out == ["b"]


@pytest.mark.slow
def test_on_a_terminal() -> None:
    """The columns for people, as many as fit, and one line that names others and how to see them."""
    narrow = on_terminal(80, "calls", TRANSFERS, "--limit", 3)
    wide = on_terminal(140, "calls", TRANSFERS, "--limit", 3)

    assert re.search(r"^1795474753.78 +22:59:13 ", narrow, re.MULTILINE)
    note = "\nNot shown: talk_s, ended_by and 24 more: --all-columns, --vertical or --columns."
    assert note in narrow.replace("\r", "")
    assert "24 more columns: --all-columns" in wide
    assert " ".join(describe("calls").shown) in " ".join(wide.split())


@pytest.mark.slow
def test_one_column_that_is_not_shown() -> None:
    """One column is not many."""
    assert "\n1 more column: --all-columns" in on_terminal(140, "concurrency", TRANSFERS).replace("\r", "")


@pytest.mark.slow
def test_all_columns_on_a_terminal() -> None:
    """One block per row where they do not fit."""
    seen = on_terminal(80, "calls", TRANSFERS, "--limit", 2, "--all-columns")

    second = re.findall(r"^(\w+)  ", seen.partition("── 2")[2], re.MULTILINE)
    assert second[:3] == ["call_id", "started_at", "answered_at"]
    assert all(f"\n{name}" in seen for name in columns_of_models(["calls"])["calls"])


@pytest.mark.slow
def test_any_query_on_a_terminal() -> None:
    """A whole table looks as its own command shows it; of any other result as many columns as fit."""
    table = on_terminal(80, "query", TRANSFERS, "FROM transfers ORDER BY seq LIMIT 2")
    wide = on_terminal(80, "query", TRANSFERS, "SELECT " + ", ".join(f"{n} AS column_{n}" for n in range(20)))

    assert re.search(r"^Not shown: transferee_number, .* and \d+ more: --vertical\.", table, re.MULTILINE)
    assert "column_0" in wide and "Not shown: column_" in wide
    assert all(len(line) <= 80 for line in (table + wide).splitlines())


@pytest.mark.slow
def test_times_with_an_offset_on_a_terminal() -> None:
    """Are printed with it; the line above the table names a zone only if all other times are of it."""
    sql = "SELECT local_time(started_at) AS local, timezone('UTC', started_at) AS moment FROM calls ORDER BY 1 LIMIT 1"
    seen = on_terminal(80, "query", TRANSFERS, sql, "--timezone", "Asia/Kolkata").splitlines()

    assert (seen[0], seen[3]) == ("2026-11-24", "04:29:13.635  2026-11-24 04:29:13.635+05:30")


@pytest.mark.slow
def test_a_pipe_gets_everything(run: Run) -> None:
    """All columns, whole cells, every row."""
    columns = list(columns_of_models(["calls"])["calls"])
    lines = run("calls", TRANSFERS, "--limit", 2).stdout.decode().splitlines()
    many = run("query", TRANSFERS, f"SELECT n, '{UUID}' AS id FROM range(2500) AS r(n)").stdout.decode().splitlines()

    assert lines[0].split() == columns
    assert "2026-11-23 22:59:13.635" in lines[2]
    assert len(many) == 2502
    assert many[-1].split() == ["2499", UUID]


@pytest.mark.slow
def test_vertical(run: Run) -> None:
    """One block per row, with all columns, also to a pipe and a file."""
    text = run("calls", TRANSFERS, "--limit", 2, "--vertical").stdout.decode()
    run("calls", TRANSFERS, "--limit", 2, "--vertical", "-o", "calls.txt")
    (row, _) = json.loads(run("calls", TRANSFERS, "--limit", 2, "--format", "json").stdout)
    first = text.partition("── 2")[0].splitlines()[1:]

    assert [line.split()[0] for line in first] == list(row)
    assert f"call_id{' ' * 14}{row['call_id']}" in first
    assert b"--vertical prints a table" in run("calls", TRANSFERS, "--vertical", "--format", "csv", code=2).stderr


def test_plain_lines_of_an_empty_table() -> None:
    """Are its head."""
    assert list(plain_lines(["call_id", "n"], [False, True], [])) == ["call_id  n", "──────────"]
