"""The lines of a journal: a row as one line of JSON. `docs/format.md` gives the reasons."""

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import orjson

__all__ = ["Columns", "event_line", "event_lines", "grouped_lines", "read_lines", "row_line"]

_LATEST_NS = 2**63
_first, _last = itemgetter(slice(0, 1)), itemgetter(slice(-1, None))
_EVENT_LINE = re.compile(r'\{"t":([0-9]{1,19}),"elapsed_ns":([0-9]{1,19}),"event":(\{.*\})\}')
_EVENT_LINES = re.compile(rf"^(?:{_EVENT_LINE.pattern}$|.*$)", re.MULTILINE)
"""Matches any line; for lines of another form the groups are empty."""

Columns = tuple[list[int], list[int], list[str], list[str]]
"""`received_ns`, `elapsed_ns`, `kind` and `raw` of rows."""


def event_line(line: bytes) -> tuple[int, int, str] | None:
    """Return `(received_ns, elapsed_ns, raw)` of a line with an unquoted frame; None for lines of any other form.

    Raises `UnicodeDecodeError` if the frame is not UTF-8.
    """
    match = _EVENT_LINE.fullmatch(line.decode())
    return (int(match[1]), int(match[2]), match[3]) if match else None


def event_lines(text: bytes) -> tuple[list[int], list[int], list[str]] | None:
    """Return `received_ns`, `elapsed_ns` and `raw` of complete lines that all have unquoted frames.

    None if a line has another form, or a value that no row can have.
    """
    try:
        lines = text.decode()
    except UnicodeDecodeError:
        return None
    times, elapsed_times, raws = zip(*_EVENT_LINES.findall(lines, 0, max(len(lines) - 1, 0)), strict=True)
    if "" in times:
        return None
    received, elapsed = list(map(int, times)), list(map(int, elapsed_times))
    if max(received) >= _LATEST_NS or max(elapsed) >= _LATEST_NS:
        return None
    return received, elapsed, list(raws)


def grouped_lines(received_ns: int, elapsed_ns: int, kind: str, texts: Sequence[bytes]) -> Iterable[bytes]:
    """Return the lines of rows of one time and kind, in pieces: one step if no frame needs quotes, which is usual."""
    if kind == "event" and set(map(_first, texts)) == {b"{"} and set(map(_last, texts)) == {b"}"}:
        begin = b'{"t":%d,"elapsed_ns":%d,"event":' % (received_ns, elapsed_ns)
        lines = (b"}\n" + begin).join(texts)
        if lines.count(b"\n") == len(texts) - 1:
            return begin, lines, b"}\n"
    return [row_line(received_ns, elapsed_ns, kind, text) for text in texts]


def row_line(received_ns: int, elapsed_ns: int, kind: str, raw: str | bytes) -> bytes:
    """Return the line of a row, with its end. Bytes in `raw` are UTF-8."""
    data = raw.encode() if isinstance(raw, str) else raw
    if kind == "event" and data[:1] == b"{" and data[-1:] == b"}" and len(data) > 1 and b"\n" not in data:
        # Quoting it as text would take longer than all other work for a frame.
        return b'{"t":%d,"elapsed_ns":%d,"event":%b}\n' % (received_ns, elapsed_ns, data)
    line: dict[str, Any] = {"t": received_ns, "elapsed_ns": elapsed_ns, "frame": data.decode()}
    if kind != "event":
        line["kind"] = kind
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_lines(text: bytes, columns: Columns) -> bytes:
    """Append the rows of complete lines to `columns`; return the text from the first unreadable line on."""
    received_ns, elapsed_ns, kinds, raws = columns
    if events := event_lines(text):
        received_ns += events[0]
        elapsed_ns += events[1]
        kinds += ["event"] * len(events[0])
        raws += events[2]
        return b""
    begin = 0
    while end := text.find(b"\n", begin) + 1:
        try:
            row = _row(text[begin : end - 1])
        except (ValueError, KeyError, TypeError, AttributeError):
            return text[begin:]
        for column, value in zip(columns, row, strict=True):
            column.append(value)  # type: ignore[attr-defined]  # a list of such values: `_row` has checked
        begin = end
    return b""


def _row(text: bytes) -> tuple[int, int, str, str]:
    if event := event_line(text):
        t_ns, elapsed_ns, kind, raw = event[0], event[1], "event", event[2]
    else:
        line = orjson.loads(text)
        t_ns, elapsed_ns, kind, raw = line["t"], line["elapsed_ns"], line.get("kind", "event"), line["frame"]
    if not (type(t_ns) is type(elapsed_ns) is int and type(kind) is type(raw) is str):
        raise TypeError
    if t_ns < 0 or elapsed_ns < 0 or max(t_ns, elapsed_ns) >= _LATEST_NS:
        raise ValueError
    return t_ns, elapsed_ns, kind, raw
