"""Dates are moved, each in its own form, and nothing around them."""

import json
import time
from datetime import datetime
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.asterisk.catalogue import fields_of, models
from arirecord.asterisk.timestamps import parse_timestamp
from arirecord.replay.options import ReplayOptions
from arirecord.replay.server import ReplayServer
from arirecord.replay.timing.date_shift import DateShift, shift_dates
from arirecord.session.reader import open_session
from tests.conftest import Sessions, read_lines, streams

from .support import Now, client, frame, receive, run
from .test_application import styles

S = 1_000_000_000
DAY_MS = 86_400_000

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
times = st.builds(
    lambda moment, digits, zone: (
        f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{moment.microsecond:06}"[: digits + 1] if digits else "") + zone
    ),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from([0, 3, 3, 6]),
    st.sampled_from(["+0000", "+0530", "-0800", "Z", "+01:00"]),
)
names = st.one_of(st.sampled_from(["timestamp", "creationtime", "channelvars", "x"]), text)
# What a user writes may look like anything, and stays.
written = st.recursive(
    st.one_of(times, text, st.integers(), st.just('"timestamp":"2026-11-23T22:05:24.514+0000"')),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
events = st.fixed_dictionaries(
    {
        "variable": st.one_of(text, times, st.just('","timestamp":"2026-11-23T22:05:24.514+0000"')),
        "channel": st.fixed_dictionaries(
            {"id": text, "channelvars": st.dictionaries(names, written, max_size=3), "creationtime": times}
        ),
        "userevent": st.dictionaries(names, written, max_size=3),
        "bridge": st.fixed_dictionaries({"creationtime": times, "name": times}),
        "timestamp": times,
    }
)
MOVED = [("timestamp",), ("channel", "creationtime"), ("bridge", "creationtime")]


@pytest.mark.slow
@given(events, styles, st.integers(-DAY_MS * 300, DAY_MS * 3000))
def test_only_dates_change(event: dict[str, Any], style: dict[str, Any], shift_ms: int) -> None:
    raw = json.dumps(event, **style)
    moved = shift_dates(raw, shift_ms)
    before, after = json.loads(raw), json.loads(moved)

    for path in MOVED:
        old, new = (_take(found, path) for found in (before, after))
        exact_ms = 1 if "." in old else 1000
        assert _ms(new) == (_ms(old) + shift_ms) // exact_ms * exact_ms
        assert (len(new), new[19:].lstrip(".0123456789")) == (len(old), old[19:].lstrip(".0123456789"))
    assert before == after
    assert len(moved) == len(raw)
    assert _without_digits(moved) == _without_digits(raw)


def _take(event: Any, path: tuple[str, ...]) -> str:
    for name in path[:-1]:
        event = event[name]
    return str(event.pop(path[-1]))


def _ms(date: str) -> int:
    found = parse_timestamp(date)
    assert found is not None
    return found[0]


def _without_digits(raw: str) -> str:
    return "".join("0" if letter in "0123456789" else letter for letter in raw)


@pytest.mark.parametrize("name", sorted(streams()))
def test_recorded_frames(name: str) -> None:
    """Every date that the catalogue knows is moved, nothing else; and back again it is what it was."""
    for line in read_lines(streams()[name]):
        raw = orjson.loads(line)["frame"]
        moved = shift_dates(raw, DAY_MS * 400 + 1234)
        event = orjson.loads(raw)
        declared = {**fields_of(event["type"]), "timestamp": "Date"}
        assert orjson.loads(moved) == _moved(event, declared, DAY_MS * 400 + 1234)
        assert shift_dates(moved, -DAY_MS * 400 - 1234) == raw


def _moved(value: dict[str, Any], declared: dict[str, str], shift_ms: int) -> dict[str, Any]:
    """The same by the catalogue, field by field."""
    result = dict(value)
    for name, field in value.items():
        kind = declared.get(name, "").removesuffix("?")
        if kind == "Date":
            result[name] = shift_dates(json.dumps({"timestamp": field}), shift_ms)[15:-2]
        elif kind in models() and isinstance(field, dict):
            result[name] = _moved(field, dict(models()[kind]), shift_ms)
    return result


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "no JSON",
        '{"timestamp":"soon"}',
        '{"timestamp":5}',
        '{"timestamp":"2026-13-23T22:05:24.514+0000"}',
        '{"timestamp":"9999-12-31T22:05:24.514+0000"}',
        '{"x":"\\"timestamp\\":\\"2026-11-23T22:05:24.514+0000\\""}',
    ],
)
def test_what_is_no_date_stays(raw: str) -> None:
    assert shift_dates(raw, DAY_MS) == raw


def test_the_shift_stays_until_events_would_come_late() -> None:
    now = Now()
    now.ns = 2_000_000_000 * S
    shift = DateShift(now)

    def sent(elapsed_s: float, after_s: float) -> float:
        now.ns += int(after_s * S)
        shift.take(frame(0, int(elapsed_s * S)))
        return (frame(0, int(elapsed_s * S)).t_ns + shift.ms * 1_000_000 - now.ns) / S

    assert sent(0, 0) == 0
    assert sent(1, 1.5) == -0.5
    assert sent(2, 10) == 0, "somebody paused"
    assert sent(100, 1) == 97, "faster than it happened"
    shift.reset()
    assert sent(5, 1) == 0


def test_a_shortened_silence_is_no_future() -> None:
    now = Now()
    now.ns = 2_000_000_000 * S
    shift = DateShift(now)
    shift.take(frame(0, 0))
    now.ns += 2 * S
    shift.take(frame(1, 3600 * S)._replace(elapsed_ns=2 * S))

    assert frame(1, 3600 * S).t_ns + shift.ms * 1_000_000 == now.ns


def test_events_and_answers_are_of_now(sessions: Sessions) -> None:
    session = open_session(sessions["ivr_dtmf/all"])

    async def main() -> tuple[list[str], list[dict[str, Any]]]:
        options = ReplayOptions(port=0, speed=100, shift_to_now=True, until_ns=session.header.started_ns + S)
        async with (
            ReplayServer(session, options) as server,
            client(server.url) as connection,
            httpx2.AsyncClient(base_url=server.http_url + "/ari", trust_env=False) as http,
        ):
            got = await receive(connection, 5)
            return got, (await http.get("/channels")).json()

    began_ms = time.time_ns() // 1_000_000
    got, channels = run(main())
    for raw in got:
        assert -2000 < _ms(json.loads(raw)["timestamp"]) - began_ms < 20_000
    created = [event["channel"]["creationtime"] for raw in got if "channel" in (event := json.loads(raw))]
    assert channels
    assert channels[0]["creationtime"] in created
