"""Times that Asterisk does not send, or sends wrong: by receipt where that is right, otherwise NULL."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from arirecord.analytics import connect
from arirecord.capture.importer import import_streams
from arirecord.session.journal import JournalWriter, journal_path
from arirecord.session.seal import seal

from .test_identity import A, channel, record

START = 1_767_261_600  # 2026-01-01T10:00:00Z


def playback(kind: str, state: str) -> str:
    """An event as Asterisk 13.20 sends it."""
    found = {"id": "p", "media_uri": "sound:hello", "target_uri": "channel:agent", "state": state}
    return orjson.dumps({"type": kind, "application": "a", "asterisk_id": A, "playback": found}).decode()


def call(**clock: str) -> list[tuple[int, str]]:
    """A call of 20 s by times of receipt; `clock` replaces the minute `10:00:`, of `begin` or `end`."""
    texts = [
        (0, channel(0, 0, "ChannelCreated", state="Ring")),
        (1, channel(0, 1, "ChannelStateChange")),
        (2, playback("PlaybackStarted", "playing")),
        (6, playback("PlaybackFinished", "done")),
        (10, channel(0, 10, "ChannelHangupRequest", cause=16)),
        (20, channel(0, 20, "ChannelDestroyed", cause=16)),
    ]
    begin, end = clock.get("begin", "2026-01-01T10:00:"), clock.get("end", "2026-01-01T10:00:")
    return [
        ((START + second) * 10**9, text.replace("2026-01-01T10:00:", end if second >= 10 else begin))
        for second, text in texts
    ]


def values(path: Path, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return connect(path, models=[table]).execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()


def test_an_event_without_a_timestamp_has_the_time_of_receipt(tmp_path: Path) -> None:
    path = record(tmp_path / "s.parquet", call())
    assert values(path, "playbacks", "duration_s", "is_receipt_time") == [(4, True)]


@pytest.mark.parametrize("seconds", [[0, 1, 1, 1, 10, 20], [0, 1, 10, 10, 10, 20]])
def test_without_times_of_receipt_its_time_is_not_known(seconds: list[int], tmp_path: Path) -> None:
    """Lines that were imported without any have the timestamps instead, and those of the events before or after."""
    frames = [((START + second) * 10**9, text) for second, (_, text) in zip(seconds, call(), strict=True)]
    path = record(tmp_path / "s.parquet", frames)
    assert values(path, "playbacks", "duration_s", "started_at", "is_receipt_time") == [(None, None, False)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "clock",
    [
        {"end": "2026-01-01T09:00:"},
        {"end": "2025-12-31T10:00:"},
        {"end": "2026-01-01T09:59:"},
        {"begin": "1970-01-01T00:00:"},
        {"begin": "1970-01-01T00:00:", "end": "1970-01-01T00:00:"},
        {"end": "2026-01-01T11:00:"},
        {"end": "2098-01-01T10:00:"},
    ],
    ids=["an hour back", "a day back", "a minute back", "set from 1970", "1970", "an hour ahead", "2098"],
)
def test_a_wrong_clock_gives_times_of_receipt(clock: dict[str, str], tmp_path: Path) -> None:
    path = record(tmp_path / "s.parquet", call(**clock))
    assert values(path, "calls", "duration_s", "billsec", "is_complete") == [(20, 19, True)]
    assert values(path, "legs", "up_s", "started_at::VARCHAR") == [(19, "2026-01-01 10:00:00")]
    assert values(path, "kpis", "concurrent_peak_count", "recorded_s") == [(1, 20)]


@pytest.mark.slow
@pytest.mark.parametrize("step_s", [1, 45, -1, -9, -20])
def test_a_small_step_of_the_clock_is_corrected(step_s: int, tmp_path: Path) -> None:
    """Events before it keep their times; durations across it are right."""
    stepped = [(t, later(text, step_s) if t >= (START + 6) * 10**9 else text) for t, text in call()]
    path = record(tmp_path / "s.parquet", stepped)
    assert values(path, "calls", "duration_s", "billsec", "is_complete", "started_at::VARCHAR") == [
        (20, 19, True, "2026-01-01 10:00:00")
    ]
    assert values(path, "playbacks", "duration_s") == [(4,)]


@pytest.mark.parametrize("is_one_host", [True, False], ids=["one host", "two hosts"])
@pytest.mark.parametrize("step_s", [30, -3, -3600])
def test_a_recorder_whose_clock_is_set(step_s: int, is_one_host: bool, tmp_path: Path) -> None:
    """Durations are by its monotonic clock: of the recording, and of calls if Asterisk has the same clock."""
    path = tmp_path / "s.parquet"
    with closing(JournalWriter(journal_path(path), START * 10**9, {"verb": "capture"})) as writer:
        for t, text in call():
            elapsed_ns, is_after = t - START * 10**9, t >= (START + 6) * 10**9
            text = later(text, step_s) if is_after and is_one_host else text
            writer.write([(t + is_after * step_s * 10**9, elapsed_ns, "event", text)])
    seal(journal_path(path), path)
    assert values(path, "calls", "duration_s", "is_complete") == [(20, True)]
    assert values(path, "kpis", "recorded_s", "concurrent_peak_count") == [(20, 1)]


def later(text: str, seconds: float) -> str:
    """The same event with a timestamp by a clock that is ahead."""
    event = orjson.loads(text)
    if "timestamp" in event:
        moved = datetime.fromisoformat(event["timestamp"]) + timedelta(seconds=seconds)
        event["timestamp"] = moved.isoformat(timespec="milliseconds")
    return orjson.dumps(event).decode()


@pytest.mark.parametrize(
    "received_s",
    [
        [0, 1, 8, 8, 10, 20],
        [0, 1, 2, 6, 19, 20],
        [7, 7, 7, 7, 10, 20],
        [0, 1, 2, 14, 14, 20],
        [0, 0.1, 0.2, 0.6, 1, 2],
        [0, 1, 2, 6, 25.5, 25.5],
        [0, 5, 5, 10, 10, 20],
    ],
    ids=["a stall", "one late", "at first", "twice", "a replay at ten times the pace", "at the end", "in batches"],
)
def test_a_delay_is_no_step_of_the_clock(received_s: list[float], tmp_path: Path) -> None:
    """Events that waited are received in a burst: Asterisk's times stay as they are."""
    frames = [(int((START + s) * 10**9), text) for s, (_, text) in zip(received_s, call(), strict=True)]
    path = record(tmp_path / "s.parquet", frames)
    assert values(path, "calls", "duration_s", "billsec", "started_at::VARCHAR") == [(20, 19, "2026-01-01 10:00:00")]


@pytest.mark.slow
@pytest.mark.parametrize("clock", [{"end": "2026-01-01T09:00:"}, {"begin": "1970-01-01T00:00:"}], ids=["back", "1970"])
def test_a_wrong_clock_without_times_of_receipt_gives_null(clock: dict[str, str], tmp_path: Path) -> None:
    """No duration is negative, none has 54 years, and the call is not complete."""
    frames = [text for _, text in call(**clock)]
    (tmp_path / "plain.jsonl").write_text("\n".join(text for text in frames if "Playback" not in text))
    import_streams([tmp_path / "plain.jsonl"], tmp_path / "s.parquet")
    found = values(tmp_path / "s.parquet", "calls", "duration_s", "billsec", "is_complete")
    assert set(found) == {(None, None, False)}


def test_recorded_time_begins_when_the_clock_is_set(tmp_path: Path) -> None:
    """Without times of receipt, a call before that has no time, and one after it has its own. None is 56 years long."""
    frames = [
        channel(0, 0, "ChannelCreated", channel_id="before", state="Ring"),
        channel(0, 5, "ChannelDestroyed", channel_id="before", cause=16),
        *(text for _, text in call() if "Playback" not in text),
    ]
    unset = [text.replace("2026-01-01T10:00", "1970-01-01T00:00") for text in frames[:3]]
    (tmp_path / "plain.jsonl").write_text("\n".join([*unset, *frames[3:]]))
    import_streams([tmp_path / "plain.jsonl"], tmp_path / "s.parquet")
    columns = ("recorded_s", "call_count", "concurrent_peak_count", "erlangs", "busy_hour_at::VARCHAR")
    assert values(tmp_path / "s.parquet", "kpis", *columns) == [(19, 2, 1, 1, "2026-01-01 10:00:01")]
    assert values(tmp_path / "s.parquet", "calls", "duration_s", "is_complete") == [(None, False)] * 2


def test_traffic_is_never_negative(tmp_path: Path) -> None:
    """The clock is set back by less than a second, so that the call ends before it is answered."""
    frames = [
        channel(0, 0, "ChannelCreated", state="Ring"),
        channel(0, 1, "ChannelStateChange"),
        later(channel(0, 1, "ChannelDestroyed", cause=16), -0.5),
    ]
    (tmp_path / "plain.jsonl").write_text("\n".join(frames))
    import_streams([tmp_path / "plain.jsonl"], tmp_path / "s.parquet")
    assert values(tmp_path / "s.parquet", "kpis", "erlangs", "concurrent_peak_count") == [(0, 1)]
    for table in ("channels", "legs", "calls"):
        assert values(tmp_path / "s.parquet", table, "is_complete") == [(False,)]


@pytest.mark.parametrize("step_s", [3, 8, 15])
def test_times_that_fall_without_times_of_receipt_give_null(step_s: int, tmp_path: Path) -> None:
    """The clock is set back by seconds amid a call, which goes on for longer than that. The next call has its times."""
    call = [channel(0, 0, "ChannelCreated", state="Ring"), channel(0, 1, "ChannelStateChange")]
    call += [channel(0, second, "ChannelVarset", variable="X", value="1") for second in range(2, 30)]
    call += [channel(0, 30, "ChannelDestroyed", cause=16)]
    types = ("ChannelCreated", "ChannelStateChange", "ChannelDestroyed")
    next_call = [channel(0, 40 + n, kind, channel_id="next", state="Ring", cause=16) for n, kind in enumerate(types)]
    frames = [*call[:10], *(later(text, -step_s) for text in (*call[10:], *next_call))]
    (tmp_path / "plain.jsonl").write_text("\n".join(frames))
    import_streams([tmp_path / "plain.jsonl"], tmp_path / "s.parquet")
    found = values(tmp_path / "s.parquet", "calls", "call_id", "duration_s", "is_complete")
    assert sorted(found) == [("agent", None, False), ("next", 2, True)]


def seen_by_the_app(number: int, *, is_hung_up: bool) -> list[tuple[int, str]]:
    """What an app's own socket sees of an incoming channel for 30 s: never its end."""
    begin = number * 100
    own = {"channel_id": f"caller-{number}"}
    texts = [(begin, channel(number, begin, "StasisStart", args=[], **own))]
    if is_hung_up:
        texts.append((begin + 30, channel(number, begin + 30, "ChannelHangupRequest", cause=16, **own)))
    texts.append((begin + 30, channel(number, begin + 30, "StasisEnd", **own)))
    if is_hung_up:
        texts.append((begin + 30, channel(number, begin + 30, "ChannelVarset", variable="X", value="1", **own)))
    return [((START + second) * 10**9, text) for second, text in texts]


@pytest.mark.parametrize("is_hung_up", [True, False], ids=["hung up", "continues in the dialplan"])
def test_a_channel_that_left_its_application_is_no_longer_open(is_hung_up: bool, tmp_path: Path) -> None:
    """Ten calls one after the other are never two at a time, though none has an end."""
    frames = [frame for number in range(10) for frame in seen_by_the_app(number, is_hung_up=is_hung_up)]
    path = record(tmp_path / "s.parquet", frames)
    ((calls, peak, erlangs),) = values(path, "kpis", "call_count", "concurrent_peak_count", "erlangs")
    assert (calls, peak) == (10, 1)
    assert 0.3 < erlangs < 0.35  # 300 s of 930 s
    assert values(path, "concurrency", "max(open_count)") == [(1,)]


def test_a_recorder_that_catches_up_is_not_a_clock_that_was_set(tmp_path: Path) -> None:
    """The first events waited for two minutes in Asterisk."""
    frames = [(t + 120 * 10**9 if n < 4 else max(t, (START + 124) * 10**9), text) for n, (t, text) in enumerate(call())]
    path = record(tmp_path / "s.parquet", frames)
    assert values(path, "calls", "duration_s", "started_at::VARCHAR") == [(20, "2026-01-01 10:00:00")]
