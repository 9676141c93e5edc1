"""Talk detection: whether it can carry the turns of voice agents."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from arirecord.asterisk.channel_names import is_media, snooped_id
from arirecord.asterisk.talk_detection_advice import LONGEST_THRESHOLD_MS, REMEDIES

from .findings import Finding
from .row_batches import Batch

__all__ = ["TalkDetection"]

_STARTED, _FINISHED = "ChannelTalkingStarted", "ChannelTalkingFinished"
_TYPES = (_STARTED, _FINISHED, "ChannelCreated", "ChannelDestroyed", "PlaybackStarted")
_PAUSE_MS = 1000


@dataclass(slots=True)
class _Talker:
    """A channel with detected speech, or a media leg. `has_pause`: a pause of a second was reported."""

    is_media: bool
    is_detected: bool = False
    is_open: bool = False
    has_pause: bool = False
    is_threshold_long: bool = False
    changed_ms: int = 0


class TalkDetection:
    """Counts legs whose talk detection cannot carry turns: the tables `turns` and `agent_calls` have NULL there.

    A leg that sends no audio in its pauses has no end of speech before its next sentence.
    """

    def __init__(self) -> None:
        self._talkers: dict[tuple[str | None, str], _Talker] = {}
        self._media_count = self._silent_count = self._undetected_count = self._long_count = self._talker_count = 0
        self._has_playbacks = False

    def rows(self, batch: Batch) -> Iterator[Finding]:
        events = batch.events.filter(pl.col("type").is_in(_TYPES)).select(
            "type",
            "asterisk_id",
            "channel_id",
            "timestamp",
            name=pl.col("raw").str.extract(r'"name":\s*"([^"]*)"'),
            duration_ms=pl.col("raw").str.extract(r'"duration":\s*(-?\d{1,15})').cast(pl.Int64),
        )
        for event_type, server, channel_id, at_ms, name, duration_ms in events.iter_rows():
            if event_type == "PlaybackStarted":
                self._has_playbacks = True
            elif channel_id is not None:
                self._take(event_type, (server, channel_id), at_ms or 0, name or "", duration_ms)
        yield from ()

    def _take(
        self, event_type: str, key: tuple[str | None, str], at_ms: int, name: str, duration_ms: int | None
    ) -> None:
        talker = self._talkers.get(key)
        if event_type == "ChannelDestroyed":
            if talker:
                self._count(self._talkers.pop(key))
        elif event_type == "ChannelCreated":
            if is_media(name):
                self._talkers[key] = _Talker(is_media=True)
        else:
            talker = talker or self._talkers.setdefault(key, _Talker(is_media=is_media(name)))
            talker.is_detected = True
            leg = self._talkers.get((key[0], snooped_id(name)))
            if leg:
                leg.is_detected = leg.has_pause = True
            if event_type == _STARTED:
                talker.has_pause |= not talker.is_open and 0 < talker.changed_ms <= at_ms - _PAUSE_MS
            elif talker.is_open and duration_ms is not None:
                talker.is_threshold_long |= at_ms - talker.changed_ms - duration_ms > LONGEST_THRESHOLD_MS
            talker.is_open, talker.changed_ms = event_type == _STARTED, at_ms

    def _count(self, talker: _Talker) -> None:
        self._talker_count += talker.is_detected
        self._long_count += talker.is_threshold_long
        self._media_count += talker.is_media
        self._undetected_count += talker.is_media and not talker.is_detected
        self._silent_count += talker.is_media and talker.is_open and not talker.has_pause

    def end(self) -> Iterator[Finding]:
        for talker in self._talkers.values():
            self._count(talker)
        undetected_count = 0 if self._has_playbacks else self._undetected_count
        long_count = self._long_count if self._media_count or self._has_playbacks else 0
        for count, total, legs, what, reason in (
            (undetected_count, self._media_count, "media legs", "no speech was detected", "agent undetected"),
            (self._silent_count, self._media_count, "media legs", "an end of speech is missing", "no silence"),
            (long_count, self._talker_count, "channels", "the silence threshold hides turns", "threshold"),
        ):
            if count:
                what = f"Talk detection cannot carry turns: on {count:,} of {total:,} {legs} {what}."
                yield Finding("note", "talk-detection", "", what, REMEDIES[reason])
