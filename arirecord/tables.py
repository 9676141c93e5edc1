"""The tables of a session as methods, so that editors and type checkers know them."""

from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MartMethods", "Parameters"]


class Parameters(TypedDict, total=False):
    """The parameters of the models, as docs/metrics.md describes them. A misspelt one is an error, for mypy too."""

    agent_endpoints: str
    codec_bpl: float
    codec_ie: float
    dead_air_s: float
    dtmf_gap_ms: float
    dtmf_sequences: str
    prefix_digits: float
    queue_kind: str
    rtcp_interval_s: float
    service_level_s: float
    short_abandon_s: float
    timezone: str
    trunks: str
    turn_gap_ms: float


class MartMethods:
    """A method for each mart; docs/metrics.md describes their rows and columns, and names the parameters."""

    def _mart(
        self, name: str, parameters: Parameters, bucket: timedelta | str | None = None, by: str | None = None
    ) -> "pl.DataFrame":
        raise NotImplementedError

    def kpis(
        self, *, bucket: timedelta | str | None = None, by: str | None = None, **parameters: Unpack[Parameters]
    ) -> "pl.DataFrame":
        """Key figures: ASR, NER, ACD, PDD, Erlangs …

        `bucket` is a duration (`timedelta(hours=1)`, `"1h"`): one row per such interval. `by` is trunk, prefix,
        application, endpoint, origin or server: one row per value.
        """
        return self._mart("kpis", parameters, bucket, by)

    def concurrency(
        self, *, bucket: timedelta | str | None = None, by: str | None = None, **parameters: Unpack[Parameters]
    ) -> "pl.DataFrame":
        """Simultaneous calls over time.

        Without `bucket` one row per change, with `bucket` one row per interval: the most calls and their mean number.
        `bucket` and `by` as for `kpis`.
        """
        return self._mart("concurrency", parameters, bucket, by)

    def agent_calls(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Calls with a voice agent: latency, interruptions, handover."""
        return self._mart("agent_calls", parameters)

    def agent_stages(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Stages of voice agents' answers: STT, LLM, TTS."""
        return self._mart("agent_stages", parameters)

    def app_latency(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Time from an event to an app's first REST request."""
        return self._mart("app_latency", parameters)

    def app_visits(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Visits of channels to Stasis applications."""
        return self._mart("app_visits", parameters)

    def bridge_stays(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Stays of channels in bridges."""
        return self._mart("bridge_stays", parameters)

    def calls(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Calls: parties, times, disposition, who hung up."""
        return self._mart("calls", parameters)

    def channel_states(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """States of channels, and how long each lasted."""
        return self._mart("channel_states", parameters)

    def channels(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Channels, as first and as last seen."""
        return self._mart("channels", parameters)

    def conversations(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Intervals in which answered channels shared a bridge."""
        return self._mart("conversations", parameters)

    def device_states(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """States of devices, and how long each lasted."""
        return self._mart("device_states", parameters)

    def dial_attempts(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Dial attempts: status, ring time, forwarding."""
        return self._mart("dial_attempts", parameters)

    def digits(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """DTMF digits, each with the prompt before it."""
        return self._mart("digits", parameters)

    def dtmf(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Sequences of DTMF digits."""
        return self._mart("dtmf", parameters)

    def dtmf_patterns(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """DTMF patterns that repeat."""
        return self._mart("dtmf_patterns", parameters)

    def event_volume(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Events and bytes by type and application."""
        return self._mart("event_volume", parameters)

    def findings(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Findings of the linter: what went wrong in calls."""
        return self._mart("findings", parameters)

    def hangups(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Ended channels: cause, and which side hung up."""
        return self._mart("hangups", parameters)

    def holds(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Holds: holder, held party, time and duration."""
        return self._mart("holds", parameters)

    def ivr_paths(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Steps of callers through prompts and digits."""
        return self._mart("ivr_paths", parameters)

    def legs(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Legs: each channel's role and times in its call."""
        return self._mart("legs", parameters)

    def links(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Reasons why two channels belong to one call."""
        return self._mart("links", parameters)

    def playbacks(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Sounds that were played to channels and bridges."""
        return self._mart("playbacks", parameters)

    def queue_calls(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Waits in queues, holding bridges and parking lots."""
        return self._mart("queue_calls", parameters)

    def recordings(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Audio recordings made by Asterisk."""
        return self._mart("recordings", parameters)

    def registrations(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Status of contacts and endpoints over time."""
        return self._mart("registrations", parameters)

    def rtp_quality(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """RTP quality of each channel and direction."""
        return self._mart("rtp_quality", parameters)

    def talk(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Talk time of each channel."""
        return self._mart("talk", parameters)

    def talk_intervals(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Intervals of speech, from talk detection."""
        return self._mart("talk_intervals", parameters)

    def transfers(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Blind and attended transfers, completed or failed."""
        return self._mart("transfers", parameters)

    def trunk_calls(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Calls between recorded servers: legs, hops, causes."""
        return self._mart("trunk_calls", parameters)

    def turns(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Turns of callers and voice agents, with response latency."""
        return self._mart("turns", parameters)

    def user_events(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """User events of dialplan and applications."""
        return self._mart("user_events", parameters)

    def variables(self, **parameters: Unpack[Parameters]) -> "pl.DataFrame":
        """Channel variables: last value and history."""
        return self._mart("variables", parameters)
