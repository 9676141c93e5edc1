"""Stages of a bot from an OpenTelemetry file, beside the recording of its calls.

The caller of `CALL` is silent from 3.0 s, and the agent answers at 4.0 s. Names and attributes of spans are those of
LiveKit and of Pipecat.
"""

import json
import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import arirecord
from arirecord.analytics import otlp_file
from tests.given import frames

from .test_cases import record

CALL = "\n".join(
    line
    for line in (Path(__file__).parent / "cases/turns/stages_of_the_app/given.txt").read_text().splitlines()
    if not line.startswith("{")
)
BASE_NS = 1_767_261_600_000_000_000
PARTS = "stt_s, llm_s, tts_s, explained_s"


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(frames(CALL), tmp_path_factory.mktemp("call") / "session.parquet")


def span(name: str, begin_s: float, end_s: float | None, parent: str = "", **attributes: Any) -> dict[str, Any]:
    """A span whose id is its name."""
    ends = {} if end_s is None else {"endTimeUnixNano": str(BASE_NS + round(end_s * 1e9))}
    return {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": name, "parentSpanId": parent,
        "name": name, "startTimeUnixNano": BASE_NS + round(begin_s * 1e9), **ends,
        "attributes": attributes_of(attributes),
    }  # fmt: skip


def attributes_of(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    kinds = {str: "stringValue", float: "doubleValue"}
    return [{"key": key, "value": {kinds[type(each)]: each}} for key, each in values.items()]


def document(*spans: Mapping[str, Any], **resource: str) -> dict[str, Any]:
    return {
        "resourceSpans": [{"resource": {"attributes": attributes_of(resource)}, "scopeSpans": [{"spans": [*spans]}]}]
    }


def answers(call: Path, file: Path, attribute: str | None = None) -> pl.DataFrame:
    session = arirecord.open_session(call, otlp=file, otlp_attribute=attribute)
    return session.sql(f"SELECT {PARTS} FROM turns WHERE is_answer ORDER BY turn_seq")


def stages(call: Path, file: Path, attribute: str | None = None) -> int:
    return arirecord.open_session(call, otlp=file, otlp_attribute=attribute).agent_stages().height


def written(folder: Path, *documents: object, indent: int | None = None) -> Path:
    file = folder / "traces.json"
    file.write_text("".join(json.dumps(each, indent=indent) + "\n" for each in documents))
    return file


PIPECAT = [
    span("conversation", 0, 20, **{"conversation.id": "x"}),
    span("turn", 1, 5, "conversation"),
    span("stt", 3.15, 3.16, "turn", **{"metrics.ttfb": 0.16}),
    span("llm", 3.2, 3.7, "turn", **{"metrics.ttfb": 0.3}),
    span("tts", 3.5, 4.8, "turn", **{"metrics.ttfb": 0.2}),
]
"""The span of speech to text begins when the transcript is there."""
LIVEKIT = [
    span("agent_session", 0, 20),
    span("user_turn", 0.9, 3.4, "agent_session", **{"lk.transcription_delay": 0.2, "lk.end_of_turn_delay": 0.4}),
    span("eou_wait", 3.0, 3.4, "agent_session"),
    span("agent_turn", 3.4, 5.2, "agent_session"),
    span("llm_node", 3.4, 4.4, "agent_turn", **{"lk.response.ttft": 0.2}),
    span("llm_request", 3.4, 4.4, "llm_node"),
    span("llm_request_run", 3.4, 4.4, "llm_request", **{"gen_ai.operation.name": "chat"}),
    span("tts_node", 3.6, 5.2, "agent_turn", **{"lk.response.ttfb": 0.3}),
]


def with_channel(spans: Sequence[Mapping[str, Any]], channel_id: str) -> list[dict[str, Any]]:
    """The first span names the channel, in an attribute of any name."""
    first, *others = ({**each} for each in spans)
    return [{**first, "attributes": first["attributes"] + attributes_of({"sip_leg": channel_id})}, *others]


@pytest.mark.parametrize(
    ("spans", "parts"), [(PIPECAT, (0.16, 0.5, 0.5, 0.96)), (LIVEKIT, (0.2, 0.6, 0.4, 1.0))], ids=["pipecat", "livekit"]
)
@pytest.mark.parametrize("channel_id", ["a", "m"])
def test_spans_of_frameworks_explain_an_answer(
    spans: list[dict[str, Any]], parts: tuple[float, ...], channel_id: str, call: Path, tmp_path: Path
) -> None:
    """The root span names the caller's channel or the media leg. Requests within a node do not count twice."""
    file = written(tmp_path, document(*with_channel(spans, channel_id)))

    assert answers(call, file).rows() == [pytest.approx(parts), (None, None, None, 0)]


@pytest.mark.parametrize("is_one_document", [True, False])
def test_one_document_and_lines_are_the_same(is_one_document: bool, call: Path, tmp_path: Path) -> None:
    """The collector writes a line for each export: spans come before those above them, and some come twice."""
    spans = with_channel(PIPECAT, "a")
    if is_one_document:
        file = written(tmp_path, document(*spans), indent=2)
    else:
        lines = [*spans, *spans[2:]]
        random.Random(7).shuffle(lines)
        file = written(tmp_path, {"resourceMetrics": []}, *map(document, lines))

    assert answers(call, file).row(0) == pytest.approx((0.16, 0.5, 0.5, 0.96))


def test_a_resource_and_a_named_attribute(call: Path, tmp_path: Path) -> None:
    """A process for each call can name it in the resource. A named attribute keeps others from being read."""
    file = written(tmp_path, document(*PIPECAT, **{"bot.channel": "a", "other": "m"}))

    assert [stages(call, file, name) for name in ("bot.channel", "other", "process.pid", None)] == [3, 3, 0, 3]


def test_stages_of_both_sources_are_in_one_table(tmp_path: Path) -> None:
    """User events have a position in the recording, spans a trace."""
    text = (Path(__file__).parent / "cases/turns/stages_of_the_app/given.txt").read_text()
    call = record(frames(text), tmp_path / "session.parquet")
    session = arirecord.open_session(call, otlp=written(tmp_path, document(*with_channel(LIVEKIT, "a"))))
    counts = "SELECT stage, count(seq), count(span_id) FROM agent_stages GROUP BY ALL ORDER BY ALL"

    assert session.sql(counts).rows() == [("endpointing", 0, 1), ("llm", 1, 1), ("stt", 1, 1), ("tts", 1, 1)]
    assert session.agent_calls().select("llm_p50_s", "explained_p50_s").row(0) == (0.7, 0.5)


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([document(*PIPECAT)], "3 of 3 stages are left out: no attribute of their span"),
        ([document(*with_channel([span("llm", 3, None)], "a"))], "1 stages are left out: they have no beginning or"),
        ([document(span("GET /health", 3, 4))], "has no span of a stage"),
        ([document(), "cut", [1], {"spans": 1}], "line 2 and 2 more cannot be read as OTLP JSON and is left out"),
    ],
)
def test_what_is_left_out_is_named(
    documents: list[Any], sentence: str, call: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence each; the table has all else."""
    with caplog.at_level(logging.WARNING):
        assert stages(call, written(tmp_path, *documents)) == 0

    assert sentence in caplog.text


def test_a_file_that_is_not_otlp(call: Path, tmp_path: Path) -> None:
    """It is refused, also as one document of many lines."""
    file = tmp_path / "traces.json"
    for text in (b"", b"# notes\n", b"{}", b'{"resourceLogs": []}', b'{"resourceSpans": [\n', b"\xff\x00"):
        file.write_bytes(text)
        with pytest.raises(arirecord.OtlpError, match=r"traces\.json has no OpenTelemetry traces: no `resourceSpans`"):
            list(otlp_file.read_spans(file))
    with pytest.raises(arirecord.OtlpError, match="cannot be read: No such file"):
        stages(call, tmp_path / "none.json")


def test_a_line_that_does_not_fit_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files can be of any size; a line or a document that is not in lines is limited."""
    file = written(tmp_path, *(document(*PIPECAT) for _ in range(3)))
    size = len(file.read_bytes().splitlines()[0])
    monkeypatch.setattr(otlp_file, "_MOST_BYTES", size + 1)
    assert len(list(otlp_file.read_spans(file))) == 3 * len(PIPECAT)

    monkeypatch.setattr(otlp_file, "_MOST_BYTES", size - 1)
    with pytest.raises(arirecord.OtlpError, match="line 1 has more than"):
        list(otlp_file.read_spans(file))


HOSTILE: list[Any] = [None, -1, 1e300, "x", [], {}, {"stringValue": None}, [{"key": 1, "value": 2}], "9" * 400, True]


def test_a_hostile_span_costs_itself_only(call: Path, tmp_path: Path) -> None:
    """Values of other types, and a span above itself; a span without a name or with another parent stays a span."""
    odd = [
        {**span("llm", 3, 4, "llm"), "spanId": f"{key} {number}", key: value}
        for key in span("llm", 3, 4)
        for number, value in enumerate(HOSTILE)
    ]
    file = written(tmp_path, document(*odd, *with_channel(PIPECAT, "a")), document(*odd), {"resourceSpans": odd})

    assert len(list(otlp_file.read_spans(file))) == 2 * len(odd) + len(PIPECAT)
    assert answers(call, file).row(0)[2] == pytest.approx(0.5)
