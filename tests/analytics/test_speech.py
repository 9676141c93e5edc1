"""What parties said together, counted again tick by tick."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.given import frames as built

from .test_cases import given

TICK_MS = 10


class Party:
    """One party of a conversation: when it is in the bridge, and when it speaks, in ticks."""

    def __init__(self, chance: random.Random, channel_id: str, ticks: int) -> None:
        self.channel_id = channel_id
        self.entered = chance.randrange(ticks // 2)
        self.left = chance.randrange(self.entered + 1, ticks)
        bounds = sorted(chance.sample(range(ticks), 2 * chance.randrange(1, 5)))
        self.stretches = list(zip(bounds[::2], bounds[1::2], strict=True))

    def speaks(self, tick: int) -> bool:
        return any(start <= tick < end for start, end in self.stretches) and self.is_here(tick)

    def is_here(self, tick: int) -> bool:
        return self.entered <= tick < self.left


def conversation(chance: random.Random, number: int) -> list[Party]:
    return [Party(chance, f"{number}.{party}", 300) for party in range(chance.choice([2, 2, 2, 3, 4]))]


def frames(bridge_id: str, parties: list[Party]) -> list[tuple[int, dict[str, Any]]]:
    """The events of a conversation with their ticks."""
    found: list[tuple[int, dict[str, Any]]] = []
    for party in parties:
        channel = {"id": party.channel_id, "name": f"PJSIP/{party.channel_id}", "state": "Up"}
        bridge: dict[str, Any] = {"id": bridge_id, "bridge_type": "mixing", "channels": []}
        found += [(0, {"type": "ChannelCreated", "channel": {**channel, "state": "Ring"}})]
        found += [(0, {"type": "ChannelStateChange", "channel": channel})]
        found += [(party.entered, {"type": "ChannelEnteredBridge", "channel": channel, "bridge": bridge})]
        found += [(party.left, {"type": "ChannelLeftBridge", "channel": channel, "bridge": bridge})]
        for start, end in party.stretches:
            duration = (end - start) * TICK_MS
            found += [(start, {"type": "ChannelTalkingStarted", "channel": channel})]
            found += [(end, {"type": "ChannelTalkingFinished", "channel": channel, "duration": duration})]
        found += [(300, {"type": "ChannelDestroyed", "channel": channel})]
    return found


def counted(parties: list[Party], ticks: int) -> dict[str, Any]:
    """By channel: its part of all speech, crosstalk and silence in seconds."""
    here = {tick: [p for p in parties if p.is_here(tick)] for tick in range(ticks)}
    heard = {tick: [p for p in here[tick] if p.speaks(tick)] if len(here[tick]) > 1 else [] for tick in range(ticks)}
    found: dict[str, Any] = {}
    for party in parties:
        mine = [tick for tick in range(ticks) if party.is_here(tick) and len(here[tick]) > 1]
        if not mine:
            continue
        own = sum(party in heard[tick] for tick in mine)
        all_speech = sum(len(heard[tick]) for tick in mine)
        crosstalk = sum(party in heard[tick] and len(heard[tick]) > 1 for tick in mine)
        silence = sum(not heard[tick] for tick in mine)
        share = pytest.approx(own / all_speech) if all_speech else None
        found[party.channel_id] = (share, crosstalk * TICK_MS / 1000, silence * TICK_MS / 1000)
    return found


def test_shares_crosstalk_and_silence(tmp_path: Path) -> None:
    """Sixty conversations of two to four parties that come, speak and go at random, all at the same time."""
    chance = random.Random(5)
    conversations = [conversation(chance, number) for number in range(60)]
    timed = [found for n, parties in enumerate(conversations) for found in frames(f"bridge {n}", parties)]
    timed.sort(key=lambda found: found[0])  # stable: each channel's own order stays
    lines = [
        orjson.dumps({**event, "timestamp": f"2026-01-01T10:00:{tick // 100:02d}.{tick % 100:02d}0+0000"}).decode()
        for tick, event in timed
    ]

    con = given(lines, tmp_path / "session.parquet", "talk")
    rows = con.execute("SELECT channel_id, share_ratio, crosstalk_s, silence_s FROM talk").fetchall()
    ours = {channel_id: rest for channel_id, *rest in rows if rest[1] is not None}
    theirs: dict[str, Any] = {}
    for parties in conversations:
        theirs |= counted(parties, 300)

    assert len(theirs) > 100
    assert ours == {channel_id: list(figures) for channel_id, figures in theirs.items()}


@pytest.mark.slow
def test_whatever_talk_detection_reports(tmp_path: Path) -> None:
    """Events of 300 channels in any order and with any duration: known times are in order and within the channel."""
    chance = random.Random(9)
    timed: list[tuple[int, str]] = []
    for number in range(300):
        start, end = sorted(chance.sample(range(600), 2))
        timed += [(start, f"c{number} created PJSIP/c{number}-00000001 Ring"), (end, f"c{number} destroyed 16")]
        for _ in range(chance.randrange(1, 30)):
            event = chance.choice(["talks", "talks", f"falls silent {chance.randrange(-100, 900)}", "holds", "resumes"])
            timed.append((chance.randrange(start, end + 20), f"c{number} {event}"))
    timed.sort(key=lambda event: event[0])
    lines = built("\n".join(f"{tick / 100:.2f} {event}" for tick, event in timed))

    con = given(lines, tmp_path / "session.parquet", "talk_intervals", "talk", "channels")
    rows = con.execute(
        "SELECT talks.started_at, talks.ended_at, talks.duration_ms, talks.unknown_reason, channels.created_at, "
        "channels.ended_at FROM talk_intervals AS talks JOIN channels USING (channel_id)"
    ).fetchall()
    known = [row for row in rows if row[3] is None]
    spoken = con.execute(
        "SELECT bool_and((talk.spoken_s IS NULL) = (talk.unknown_count > 0)) FROM talk WHERE talk.spoken_count > 0"
    ).fetchall()

    assert len(known) > 100
    assert len(rows) - len(known) > 100
    assert all(began <= started <= ended <= over for started, ended, _, _, began, over in known)
    assert all((ended - started).total_seconds() * 1000 == length for started, ended, length, *_ in known)
    assert all(row[1] is None for row in rows if row[3] is not None)
    assert spoken == [(True,)]
