"""Flattening loses nothing and raises on nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.asterisk.catalogue import ENVELOPE, columns_of, event_types
from arirecord.asterisk.flatten_events import flatten
from arirecord.asterisk.timestamps import parse_timestamp
from tests.examples import examples

PATHS = {(): ()} | {(t, c.name): c.path for t in event_types() for c in columns_of(t)}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.sampled_from(["\ud800", "a\x00b", "2026-11-23T22:05:24.514+0000", "2026-11-23T22:05:24.5149+0000", "Up", ""]),
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An event of a known type with fields that are right, wrong, missing or unknown, at any depth."""
    event_type = draw(st.sampled_from(event_types()))
    event: dict[str, Any] = {"type": event_type}
    paths = (
        [c.path for c in columns_of(event_type)]
        + [(name,) for name in ENVELOPE]
        + [("unknown",), ("channel", "unknown")]
    )
    for path in draw(st.lists(st.sampled_from(paths), max_size=12)):
        node = event
        for part in path[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                break
        else:
            node[path[-1]] = draw(anything)
    return event


@given(st.text())
def test_any_text(raw: str) -> None:
    """No text makes it raise."""
    flatten(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 100_000,
        "9" * 5000,
        '{"type":"Dial","dialstatus":' + "9" * 5000 + "}",
        '{"a":' * 900 + "1" + "}" * 900,
        "\ud800",
        "NaN",
    ],
)
def test_hostile_text(raw: str) -> None:
    """Neither does deep nesting, an endless number, or half a character."""
    flatten(raw)


@given(anything.map(lambda value: json.dumps(value)))
def test_any_json(raw: str) -> None:
    """Nor any JSON value, and what is no object is said to be none."""
    flat = flatten(raw)

    if not isinstance(json.loads(raw), dict):
        assert flat.drift[0][0] == "not an object"
        assert not flat.columns


@pytest.mark.slow
@examples(300)
@given(events())
def test_columns_and_extra_together_are_the_event(event: dict[str, Any]) -> None:
    """What is in a column equals the field; what is not is in extra; drift is named for every entry of extra."""
    flat = flatten(json.dumps(event))
    extra = json.loads(flat.extra) if flat.extra else {}

    assert flat.drift or not extra
    assert extra or all(what == "unknown type" for what, _ in flat.drift)
    event_type = event["type"] if isinstance(event["type"], str) else ""
    for path, value in _leaves(event, event_type):
        column = _column(event_type, path)
        in_extra = _get(extra, path)
        if value is None and in_extra is None:
            continue  # null is null, known or not
        if column is None or column not in flat.columns:
            assert _same(in_extra, value), path
        elif isinstance(value, str) and (instant := parse_timestamp(value)) and flat.columns[column] == instant[0]:
            assert instant[1] or in_extra == value
        elif isinstance(value, dict | list) and isinstance(flat.columns[column], str):
            assert _same(json.loads(flat.columns[column]), value)
        else:
            assert flat.columns[column] == value
            assert type(flat.columns[column]) is type(value) or isinstance(flat.columns[column], float)


def _column(event_type: str, path: tuple[str, ...]) -> str | None:
    if path[0] in ENVELOPE and len(path) == 1:
        return path[0]
    name = "_".join(path)
    return name if PATHS.get((event_type, name)) == path else None


def _leaves(value: Any, event_type: str, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Fields of the event down to where the catalogue stops."""
    known = any(PATHS.get((event_type, "_".join(p))) == p for p in [path]) if path else False
    below = any(p[: len(path)] == path and len(p) > len(path) for (t, *_), p in _of(event_type))
    if isinstance(value, dict) and not known and (below or not path):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, event_type, (*path, key))]
    return [(path, value)]


def _of(event_type: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(key, path) for key, path in PATHS.items() if key and key[0] == event_type]


def _get(value: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _same(kept: Any, value: Any) -> bool:
    """Equal, numbers beyond 64 bits being kept as text."""
    if isinstance(value, dict):
        return isinstance(kept, dict) and kept.keys() == value.keys() and all(_same(kept[k], value[k]) for k in value)
    if isinstance(value, list):
        return isinstance(kept, list) and len(kept) == len(value) and all(map(_same, kept, value))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return bool(kept == str(value))
    return bool(kept == value)


@pytest.mark.parametrize(
    ("frame", "columns", "extra", "drift"),
    [
        ('{"type":"Dial","dialstatus":"BUSY"}', {"type": "Dial", "dialstatus": "BUSY"}, None, []),
        ('{"type":"Novel","a":1}', {"type": "Novel"}, {"a": 1}, [("unknown type", "Novel")]),
        ('{"type":"Dial","new":[1]}', {"type": "Dial"}, {"new": [1]}, [("unknown field", "Dial.new")]),
        ('{"type":"Dial","peer":"x"}', {"type": "Dial"}, {"peer": "x"}, [("other type", "Dial.peer")]),
        (
            '{"type":"ChannelDestroyed","cause":5.5}',
            {"type": "ChannelDestroyed"},
            {"cause": 5.5},
            [("other type", "ChannelDestroyed.cause")],
        ),
        (
            '{"type":"ChannelDestroyed","cause":true}',
            {"type": "ChannelDestroyed"},
            {"cause": True},
            [("other type", "ChannelDestroyed.cause")],
        ),
        (
            '{"type":"ChannelDestroyed","cause":99999999999999999999}',
            {"type": "ChannelDestroyed"},
            {"cause": "99999999999999999999"},
            [("inexact", "ChannelDestroyed.cause")],
        ),
        (
            '{"type":"Dial","dialstatus":"A","dialstatus":"B"}',
            {"type": "Dial", "dialstatus": "B"},
            None,
            [("duplicate key", "dialstatus")],
        ),
        (
            '{"type":7,"dialstatus":"A"}',
            {},
            {"type": 7, "dialstatus": "A"},
            [("unknown type", ""), ("other type", ".type")],
        ),
        ("[1]", {}, None, [("not an object", "list")]),
        ("nonsense", {}, None, [("not JSON", "")]),
    ],
)  # fmt: skip
def test_drift(frame: str, columns: dict[str, Any], extra: Any, drift: list[tuple[str, str]]) -> None:
    """Each kind of drift, by name."""
    flat = flatten(frame)

    assert flat.columns == columns
    assert (json.loads(flat.extra) if flat.extra else None) == extra
    assert flat.drift == drift
