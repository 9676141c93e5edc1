"""Only the name of the application changes, and nothing around it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.replay.clients.app_registry import asked_applications, rewrite
from tests.conftest import read_lines, streams

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.one_of(text, st.sampled_from(["application", '"application"', 'application":"x"}', "app\\lication"]))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), keys),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
objects = st.tuples(st.dictionaries(keys, values, max_size=5), keys, st.integers(0, 5)).map(
    lambda parts: _with_application(*parts)
)
styles = st.sampled_from(
    [
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":"), "ensure_ascii": True},
        {"indent": 2, "ensure_ascii": False},
        {"indent": "\t", "separators": (" ,", " : "), "ensure_ascii": True},
    ]
)


def _with_application(other: dict[str, Any], name: str, place: int) -> dict[str, Any]:
    """An object with `application` at some place among its keys."""
    items = [item for item in other.items() if item[0] != "application"]
    items.insert(place, ("application", name))
    return dict(items)


@pytest.mark.slow
@given(objects, styles, keys)
def test_only_the_application_changes(event: dict[str, Any], style: dict[str, Any], name: str) -> None:
    raw = json.dumps(event, **style)
    result = rewrite(raw, name)

    assert json.loads(result) == {**event, "application": name}
    before, after = _around(raw, event, style)
    assert result.startswith(before)
    assert result.endswith(after)
    assert json.loads(result[len(before) : len(result) - len(after)]) == name


def _around(raw: str, event: dict[str, Any], style: dict[str, Any]) -> tuple[str, str]:
    """The text before and after the application's value: where two texts with other values begin to differ."""
    zero, one = (json.dumps({**event, "application": n}, **style) for n in (0, 1))
    begin = next(i for i, (a, b) in enumerate(zip(zero, one, strict=True)) if a != b)
    value = json.dumps(event["application"], ensure_ascii=style["ensure_ascii"])
    return raw[:begin], raw[begin + len(value) :]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"application":"a"}', '{"application":"ü"}'),
        ('{"application":"a"} \n', '{"application":"ü"} \n'),
        ('{"application" :\n "a" , "x":1}', '{"application" :\n "ü" , "x":1}'),
        ('{"applic\\u0061tion":"a","x":"\\u001F\\/"}', '{"applic\\u0061tion":"ü","x":"\\u001F\\/"}'),
        ('{"application":"a\\"}","asterisk_id":"\\\\"}', '{"application":"ü","asterisk_id":"\\\\"}'),
        ('{"o":{"application":"a"},"application":"a"}', '{"o":{"application":"a"},"application":"ü"}'),
        ('{"application":"a","o":{"application":"a"}}', '{"application":"ü","o":{"application":"a"}}'),
        ('{"application":"a","o":[{"application":"a"}]}', '{"application":"ü","o":[{"application":"a"}]}'),
        (
            '{"v":"\\"application\\":\\"a\\"}","application":"a"}',
            '{"v":"\\"application\\":\\"a\\"}","application":"ü"}',
        ),
        (
            '{"application":"a","v":"\\"application\\":\\"a\\"}"}',
            '{"application":"ü","v":"\\"application\\":\\"a\\"}"}',
        ),
        ('{"application":"a","application":"b","c":1}', '{"application":"a","application":"ü","c":1}'),
        (
            '{"application":"a","n":1E400,"i":' + "9" * 5000 + "}",
            '{"application":"ü","n":1E400,"i":' + "9" * 5000 + "}",
        ),
        (
            '{"application":"a","d":' + "[" * 3000 + "]" * 3000 + "}",
            '{"application":"ü","d":' + "[" * 3000 + "]" * 3000 + "}",
        ),
        ('{"o":{"application":"a"}}', '{"o":{"application":"a"}}'),
        ('[{"application":"a"}]', '[{"application":"a"}]'),
        ('["application","a"]', '["application","a"]'),
        ("no JSON", "no JSON"),
        ("", ""),
    ],
)
def test_odd_frames(raw: str, expected: str) -> None:
    assert rewrite(raw, "ü") == expected


@pytest.mark.parametrize("name", sorted(streams()))
def test_recorded_frames(name: str) -> None:
    for line in read_lines(streams()[name]):
        raw = orjson.loads(line)["frame"]
        event = orjson.loads(raw)
        if "application" not in event:
            continue
        changed = rewrite(raw, 'new "app"')
        assert orjson.loads(changed) == {**event, "application": 'new "app"'}
        assert rewrite(changed, event["application"]) == raw


def test_names_come_with_commas_and_repeated() -> None:
    assert asked_applications(["a,b", "c", "a"]) == ["a", "b", "c"]
    assert asked_applications(["", ",", " "]) == []
