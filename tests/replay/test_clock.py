"""The clock never sleeps here: time moves when the test says so."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arirecord.replay.timing.clock import PlaybackClock

from .support import Now

S = 1_000_000_000

speeds = st.one_of(
    st.fractions(Fraction(1, 1000), 1000, max_denominator=10_000),
    st.floats(0.001, 1000, allow_nan=False),
)
times = st.integers(0, 400 * 24 * 3600 * S)  # more than a year of nanoseconds: floats would have lost the last digits


def test_it_begins_paused_at_zero() -> None:
    clock = PlaybackClock(10, Now())

    assert clock.paused
    assert clock.position_ns() == 0
    assert clock.due_ns(5) is None


def test_time_passes_at_the_speed() -> None:
    now = Now()
    clock = PlaybackClock(10, now)
    clock.resume()
    now.ns += 3 * S

    assert clock.position_ns() == 30 * S


def test_a_change_counts_from_now_on() -> None:
    now = Now()
    clock = PlaybackClock(1, now)
    clock.resume()
    now.ns += 2 * S
    clock.set_speed(100)
    now.ns += 1 * S
    clock.pause()
    now.ns += 50 * S
    clock.resume()
    clock.set_speed(0.5)
    now.ns += 4 * S

    assert clock.position_ns() == (2 + 100 + 2) * S


def test_a_jump_keeps_speed_and_pause() -> None:
    now = Now()
    clock = PlaybackClock(2, now)
    clock.jump(100 * S)
    now.ns += S

    assert clock.position_ns() == 100 * S

    clock.resume()
    now.ns += S

    assert clock.position_ns() == 102 * S


def test_without_a_speed_everything_is_due_unless_paused() -> None:
    now = Now()
    clock = PlaybackClock(None, now)

    assert clock.horizon_ns() == 0

    clock.resume()

    assert clock.horizon_ns() is None
    due_ns = clock.due_ns(10**18)
    assert due_ns is not None
    assert due_ns <= now.ns


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), float("-inf")])
def test_what_is_no_speed_is_refused_and_changes_nothing(speed: float) -> None:
    clock = PlaybackClock(3, Now())

    with pytest.raises(ValueError, match="is not a speed"):
        clock.set_speed(speed)

    assert clock.speed == 3


@given(speeds, times, times, times)
def test_due_is_the_first_nanosecond_that_far(speed: float | Fraction, start: int, before: int, ahead: int) -> None:
    now = Now()
    clock = PlaybackClock(speed, now)
    clock.jump(start)
    clock.resume()
    now.ns += before
    position_ns = clock.position_ns() + ahead
    due_ns = clock.due_ns(position_ns)
    assert due_ns is not None

    now.ns = due_ns
    assert clock.position_ns() >= position_ns
    now.ns = due_ns - 1
    assert clock.position_ns() < position_ns


@given(st.lists(st.tuples(st.sampled_from(["pause", "resume", "speed", "wait"]), st.integers(1, 10**12))))
def test_time_never_runs_back(steps: list[tuple[str, int]]) -> None:
    now = Now()
    clock = PlaybackClock(1, now)
    reached_ns = 0
    for step, number in steps:
        match step:
            case "pause":
                clock.pause()
            case "resume":
                clock.resume()
            case "speed":
                clock.set_speed(Fraction(number, 10**6))
            case "wait":
                now.ns += number
        assert clock.position_ns() >= reached_ns
        reached_ns = clock.position_ns()
