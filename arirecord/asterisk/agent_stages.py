"""Stages of voice agents in traces: the spans of frameworks, and their attributes.

Sources: LiveKit's `livekit.agents.telemetry.trace_types` and its reference of session traces, Pipecat's
`pipecat.utils.tracing`, and OpenTelemetry's semantic conventions for generative AI.
"""

from collections.abc import Mapping

__all__ = ["FIRST_RESULT_S", "STT_DELAY_S", "TURN_DELAYS_S", "USER_TURN", "stage_of"]

_STAGES = {
    "llm": "llm", "llm_node": "llm", "llm_request": "llm",
    "stt": "stt", "stt_node": "stt",
    "tts": "tts", "tts_node": "tts", "tts_request": "tts",
    "eou_wait": "endpointing",
}  # fmt: skip
_OPERATIONS = {
    "chat": "llm", "generate_content": "llm", "text_completion": "llm", "stt": "stt", "tts": "tts",
}  # fmt: skip
_OLDER_PIPECAT = ("llm_", "stt_", "tts_")
"""Beginnings of `llm_openaillmservice` and the like."""
_SERVICE = "service"
FIRST_RESULT_S = (
    "lk.response.ttft", "lk.response.ttfb", "metrics.ttfb", "gen_ai.response.time_to_first_chunk",
)  # fmt: skip
"""Attributes with the time to a stage's first result, in seconds."""
USER_TURN = "user_turn"
"""LiveKit's span of a turn of the caller: it ends when the turn is accepted as finished."""
STT_DELAY_S = "lk.transcription_delay"
"""Attribute of it: seconds from the end of the speech to its transcript."""
TURN_DELAYS_S = ("lk.end_of_turn_delay", "lk.end_of_utterance_delay")
"""Attributes of it: seconds from the end of the speech to the end of the span."""


def stage_of(name: str, attributes: Mapping[str, object]) -> str | None:
    """Return the stage that a span is: `stt`, `llm`, `tts`, `endpointing`, or None."""
    name = name.lower()
    if stage := _STAGES.get(name):
        return stage
    if name.startswith(_OLDER_PIPECAT) and name.endswith(_SERVICE):
        return name[:3]
    return _OPERATIONS.get(str(attributes.get("gen_ai.operation.name")))
