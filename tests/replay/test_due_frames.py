"""What holds for any frames, fed in any pieces, whatever happens to the clock."""

from itertools import accumulate, islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from arirecord.replay.timing.clock import PlaybackClock
from arirecord.replay.timing.due_frames import DueFrames, timeline
from arirecord.session.reader import Frame

from .support import Now, frame

S = 1_000_000_000

gaps = st.lists(st.one_of(st.just(0), st.integers(0, 5 * S)), min_size=1, max_size=60)
steps = st.lists(
    st.tuples(st.sampled_from(["wait", "wait", "pause", "resume", "speed", "max", "feed"]), st.integers(1, 3 * S)),
    max_size=60,
)


def frames_of(gaps: list[int]) -> list[Frame]:
    return [frame(seq, elapsed_ns) for seq, elapsed_ns in enumerate(accumulate(gaps))]


def due_frames_of(frames: list[Frame], speed: float | None) -> tuple[DueFrames, Now]:
    now = Now()
    due_frames = DueFrames(PlaybackClock(speed, now))
    due_frames.feed(frames)
    due_frames.end()
    due_frames.clock.resume()
    return due_frames, now


@given(gaps, steps, st.integers(1, 7))
def test_all_frames_come_in_order_and_none_early(gaps: list[int], steps: list[tuple[str, int]], limit: int) -> None:
    frames = frames_of(gaps)
    now = Now()
    clock = PlaybackClock(1, now)
    due_frames = DueFrames(clock)
    fed = iter(frames)
    got: list[Frame] = []

    def take() -> None:
        position_ns = clock.position_ns()
        batch = due_frames.take(limit)
        assert len(batch) <= limit
        assert not (clock.paused and batch)
        if clock.speed is not None:
            assert all(f.elapsed_ns <= position_ns for f in batch)
        got.extend(batch)

    for step, number in steps:
        match step:
            case "wait":
                now.ns += number
            case "pause":
                clock.pause()
            case "resume":
                clock.resume()
            case "speed":
                clock.set_speed(number / S)
            case "max":
                clock.set_speed(None)
            case "feed":
                due_frames.feed(islice(fed, number % 9))
        take()
    due_frames.feed(fed)
    due_frames.end()
    clock.set_speed(None)
    clock.resume()
    while not due_frames.finished:
        take()

    assert got == frames


@given(gaps, st.floats(0.01, 1000))
def test_waking_when_it_says_finds_something_due(gaps: list[int], speed: float) -> None:
    frames = frames_of(gaps)
    due_frames, now = due_frames_of(frames, speed)
    start_ns = now.ns
    got = []
    while (due_ns := due_frames.next_due_ns()) is not None:
        now.ns = max(now.ns, due_ns)
        batch = due_frames.take()
        assert batch
        got += batch

    assert got == frames
    # How long it took is what the recording took, to the nanosecond: nothing adds up.
    length_ns = frames[-1].elapsed_ns - frames[0].elapsed_ns
    clock = PlaybackClock(speed, lambda: start_ns)
    clock.resume()
    assert now.ns == clock.due_ns(length_ns)


def test_being_late_makes_nothing_else_late() -> None:
    frames = [frame(0, 0), frame(1, 1 * S), frame(2, 2 * S), frame(3, 10 * S)]
    due_frames, now = due_frames_of(frames, 1)
    start_ns = now.ns
    due_frames.take()
    now.ns += 5 * S

    assert due_frames.take() == frames[1:3]
    assert due_frames.next_due_ns() == start_ns + 10 * S


def test_the_first_frame_is_due_at_once() -> None:
    due_frames, _ = due_frames_of([frame(0, 3600 * S), frame(1, 3601 * S)], 1)

    assert [f.seq for f in due_frames.take()] == [0]


def test_given_back_frames_come_again() -> None:
    frames = frames_of([0] * 5)
    due_frames, _ = due_frames_of(frames, None)
    batch = due_frames.take()
    due_frames.give_back(batch[2:])

    assert not due_frames.finished
    assert due_frames.take() == frames[2:]
    assert due_frames.finished


def test_it_is_hungry_until_it_has_some_or_all() -> None:
    due_frames = DueFrames(PlaybackClock(1, Now()))
    assert due_frames.hungry

    due_frames.feed(frames_of([0] * 5000))
    assert not due_frames.hungry

    small = DueFrames(PlaybackClock(1, Now()))
    small.end()
    assert not small.hungry
    assert small.finished
    assert small.next_due_ns() is None


def test_a_timeline_goes_on_over_files_and_never_back() -> None:
    start_ns = 1_700_000_000 * S
    first = [frame(0, 0), frame(1, 4 * S)]
    # The second file began 3 s after the first, by a wall clock that had been set back.
    second = [f._replace(t_ns=f.t_ns + 3 * S) for f in [frame(0, 0), frame(1, 2 * S)]]

    found = [f.elapsed_ns for f in timeline(first + second, start_ns)]

    assert found == [0, 4 * S, 4 * S, 5 * S]
    assert all(a <= b for a, b in pairwise(found))
