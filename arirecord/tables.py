"""The tables of a session as methods, so that editors and type checkers know them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MartMethods"]

Parameters = Mapping[str, str | float]


class MartMethods:
    """A method for each mart; docs/metrics.md describes their rows and columns, and names the parameters."""

    def _mart(
        self, name: str, parameters: Parameters, bucket: timedelta | str | None = None, by: str | None = None
    ) -> "pl.DataFrame":
        raise NotImplementedError

    def kpis(
        self, *, bucket: timedelta | str | None = None, by: str | None = None, **parameters: str | float
    ) -> "pl.DataFrame":
        """Key figures: ASR, NER, ACD, PDD, Erlangs …

        `bucket` is a duration (`timedelta(hours=1)`, `"1h"`): one row per such interval. `by` is trunk, prefix,
        application, endpoint or origin: one row per value.
        """
        return self._mart("kpis", parameters, bucket, by)

    def concurrency(
        self, *, bucket: timedelta | str | None = None, by: str | None = None, **parameters: str | float
    ) -> "pl.DataFrame":
        """Simultaneous calls over time.

        Without `bucket` one row per change, with `bucket` one row per interval: the most calls and their mean number.
        `bucket` and `by` as for `kpis`.
        """
        return self._mart("concurrency", parameters, bucket, by)

    def app_latency(self, **parameters: str | float) -> "pl.DataFrame":
        """Time from an event to an app's first REST request."""
        return self._mart("app_latency", parameters)

    def app_visits(self, **parameters: str | float) -> "pl.DataFrame":
        """Visits of channels to Stasis applications."""
        return self._mart("app_visits", parameters)

    def bridge_stays(self, **parameters: str | float) -> "pl.DataFrame":
        """Stays of channels in bridges."""
        return self._mart("bridge_stays", parameters)

    def calls(self, **parameters: str | float) -> "pl.DataFrame":
        """Calls: parties, times, disposition, who hung up."""
        return self._mart("calls", parameters)

    def channel_states(self, **parameters: str | float) -> "pl.DataFrame":
        """States of channels, and how long each lasted."""
        return self._mart("channel_states", parameters)

    def channels(self, **parameters: str | float) -> "pl.DataFrame":
        """Channels, as first and as last seen."""
        return self._mart("channels", parameters)

    def conversations(self, **parameters: str | float) -> "pl.DataFrame":
        """Intervals in which answered channels shared a bridge."""
        return self._mart("conversations", parameters)

    def device_states(self, **parameters: str | float) -> "pl.DataFrame":
        """States of devices, and how long each lasted."""
        return self._mart("device_states", parameters)

    def dial_attempts(self, **parameters: str | float) -> "pl.DataFrame":
        """Dial attempts: status, ring time, forwarding."""
        return self._mart("dial_attempts", parameters)

    def digits(self, **parameters: str | float) -> "pl.DataFrame":
        """DTMF digits, each with the prompt before it."""
        return self._mart("digits", parameters)

    def dtmf(self, **parameters: str | float) -> "pl.DataFrame":
        """Sequences of DTMF digits."""
        return self._mart("dtmf", parameters)

    def dtmf_patterns(self, **parameters: str | float) -> "pl.DataFrame":
        """DTMF patterns that repeat."""
        return self._mart("dtmf_patterns", parameters)

    def event_volume(self, **parameters: str | float) -> "pl.DataFrame":
        """Events and bytes by type and application."""
        return self._mart("event_volume", parameters)

    def findings(self, **parameters: str | float) -> "pl.DataFrame":
        """Findings of the linter: what went wrong in calls."""
        return self._mart("findings", parameters)

    def hangups(self, **parameters: str | float) -> "pl.DataFrame":
        """Ended channels: cause, and which side hung up."""
        return self._mart("hangups", parameters)

    def holds(self, **parameters: str | float) -> "pl.DataFrame":
        """Holds: holder, held party, time and duration."""
        return self._mart("holds", parameters)

    def ivr_paths(self, **parameters: str | float) -> "pl.DataFrame":
        """Steps of callers through prompts and digits."""
        return self._mart("ivr_paths", parameters)

    def legs(self, **parameters: str | float) -> "pl.DataFrame":
        """Legs: each channel's role and times in its call."""
        return self._mart("legs", parameters)

    def links(self, **parameters: str | float) -> "pl.DataFrame":
        """Reasons why two channels belong to one call."""
        return self._mart("links", parameters)

    def playbacks(self, **parameters: str | float) -> "pl.DataFrame":
        """Sounds that were played to channels and bridges."""
        return self._mart("playbacks", parameters)

    def queue_calls(self, **parameters: str | float) -> "pl.DataFrame":
        """Waits in queues, holding bridges and parking lots."""
        return self._mart("queue_calls", parameters)

    def recordings(self, **parameters: str | float) -> "pl.DataFrame":
        """Audio recordings made by Asterisk."""
        return self._mart("recordings", parameters)

    def registrations(self, **parameters: str | float) -> "pl.DataFrame":
        """Status of contacts and endpoints over time."""
        return self._mart("registrations", parameters)

    def rtp_quality(self, **parameters: str | float) -> "pl.DataFrame":
        """RTP quality of each channel and direction."""
        return self._mart("rtp_quality", parameters)

    def talk(self, **parameters: str | float) -> "pl.DataFrame":
        """Talk time of each channel."""
        return self._mart("talk", parameters)

    def talk_intervals(self, **parameters: str | float) -> "pl.DataFrame":
        """Intervals of speech, from talk detection."""
        return self._mart("talk_intervals", parameters)

    def transfers(self, **parameters: str | float) -> "pl.DataFrame":
        """Blind and attended transfers, completed or failed."""
        return self._mart("transfers", parameters)

    def user_events(self, **parameters: str | float) -> "pl.DataFrame":
        """User events of dialplan and applications."""
        return self._mart("user_events", parameters)

    def variables(self, **parameters: str | float) -> "pl.DataFrame":
        """Channel variables: last value and history."""
        return self._mart("variables", parameters)
