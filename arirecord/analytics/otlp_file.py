"""Spans of an OpenTelemetry file: OTLP JSON, one document or JSON lines as the collector's file exporter writes them.

Source: OpenTelemetry Protocol, JSON encoding (`resourceSpans`, `scopeSpans`, `spans`; times are nanoseconds since 1970,
as numbers or as texts).
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from arirecord.asterisk.agent_stages import FIRST_RESULT_S, STT_DELAY_S, TURN_DELAYS_S, USER_TURN, stage_of
from arirecord.errors import OtlpError
from arirecord.json_text import json_value

__all__ = ["StageSpan", "read_spans"]

_MOST_BYTES = 1 << 26
_LONGEST_ID = 200
_MOST_VALUES = 200
_OTHER_SIGNALS = ("resourceMetrics", "resourceLogs", "resourceProfiles")
_HELP = "Write traces as OTLP JSON, such as with the file exporter of the OpenTelemetry collector."
_log = logging.getLogger(__name__)


class StageSpan(NamedTuple):
    """One span. Times are nanoseconds since 1970, None if they are missing.

    stage: `stt`, `llm`, `tts`, `endpointing`, or None.
    first_s: time to the stage's first result.
    values, resource_values: texts of its attributes and of its resource's, one of which can be a channel's id.
    """

    trace_id: str
    span_id: str
    parent_id: str
    stage: str | None
    begin_ns: int | None
    end_ns: int | None
    first_s: float | None
    values: list[str]
    resource_values: list[str]


def read_spans(path: Path, attribute: str | None = None) -> Iterator[StageSpan]:
    """Yield the spans of a file. At most 64 MiB of it are in memory, decoded.

    attribute: only values of this attribute are given; None: of all.
    Lines that cannot be read are left out with a warning, unless all are such.
    Raises `OtlpError` for a file that is not OTLP JSON.
    """
    damaged: list[int] = []
    has_traces = False
    try:
        with path.open("rb") as file:
            for number, document in _documents(path, file):
                spans = list(_spans_of(document, attribute)) if isinstance(document, dict) else None
                if spans is None or not (document.keys() & {"resourceSpans", *_OTHER_SIGNALS}):
                    damaged.append(number)
                    continue
                has_traces |= "resourceSpans" in document
                yield from spans
    except OSError as error:
        raise OtlpError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not has_traces:
        raise OtlpError(f"{path} has no OpenTelemetry traces: no `resourceSpans` is in it. {_HELP}")
    if damaged:
        more = f" and {len(damaged) - 1:,} more" if len(damaged) > 1 else ""
        _log.warning("%s: line %d%s cannot be read as OTLP JSON and is left out.", path, damaged[0], more)


def _documents(path: Path, file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Yield the number of each line and its value, None if it is not JSON; or 1 and the whole file as one value."""
    number = 0
    while line := file.readline(_MOST_BYTES + 1):
        number += 1
        if len(line) > _MOST_BYTES:
            raise OtlpError(f"{path}: line {number} has more than {_MOST_BYTES >> 20} MiB. {_HELP}")
        if not line.strip():
            continue
        value = json_value(line)
        if value is None and number == 1:
            text = line + file.read(_MOST_BYTES + 1 - len(line))
            if len(text) <= _MOST_BYTES and (whole := json_value(text)) is not None:
                yield 1, whole
                return
            file.seek(len(line))
        yield number, value


def _spans_of(document: Mapping[str, Any], attribute: str | None) -> Iterator[StageSpan]:
    for resource_spans in _objects(document, "resourceSpans"):
        resource = resource_spans.get("resource")
        resource_values = _texts(_attributes(resource) if isinstance(resource, dict) else {}, attribute)
        for scope in ("scopeSpans", "instrumentationLibrarySpans"):
            for scope_spans in _objects(resource_spans, scope):
                for span in _objects(scope_spans, "spans"):
                    yield _span(span, attribute, resource_values)


def _span(span: Mapping[str, Any], attribute: str | None, resource_values: list[str]) -> StageSpan:
    attributes = _attributes(span)
    begin_ns, end_ns = _time(span.get("startTimeUnixNano")), _time(span.get("endTimeUnixNano"))
    name = str(span.get("name"))
    stage = stage_of(name, attributes)
    first_s = next((s for key in FIRST_RESULT_S if (s := _seconds(attributes.get(key))) is not None), None)
    if name == USER_TURN and end_ns is not None:
        delay_s = _seconds(attributes.get(STT_DELAY_S))
        turn_s = next((s for key in TURN_DELAYS_S if (s := _seconds(attributes.get(key))) is not None), None)
        if delay_s is not None and turn_s is not None:
            stage, begin_ns = "stt", end_ns - int(turn_s * 1e9)
            end_ns = begin_ns + int(delay_s * 1e9)
    elif stage == "stt" and first_s is not None and begin_ns is not None and end_ns is not None:
        # Pipecat's span begins when the transcript is there; the time to it has passed before.
        begin_ns = min(begin_ns, end_ns - int(first_s * 1e9))
    ids = (str(span.get(key) or "") for key in ("traceId", "spanId", "parentSpanId"))
    trace_id, span_id, parent_id = ids
    values = _texts(attributes, attribute)
    return StageSpan(trace_id, span_id, parent_id, stage, begin_ns, end_ns, first_s, values, resource_values)


def _objects(holder: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    values = holder.get(key)
    return (each for each in values if isinstance(each, dict)) if isinstance(values, list) else iter(())


def _attributes(holder: Mapping[str, Any]) -> dict[str, object]:
    """Return the attributes with a text, a number or a truth value."""
    attributes: dict[str, object] = {}
    for each in _objects(holder, "attributes"):
        value = each.get("value")
        if isinstance(value, dict):
            attributes[str(each.get("key"))] = next(
                (value[kind] for kind in ("stringValue", "intValue", "doubleValue", "boolValue") if kind in value), None
            )
    return attributes


def _texts(attributes: Mapping[str, object], attribute: str | None) -> list[str]:
    given = attributes.values() if attribute is None else (attributes.get(attribute),)
    return [each for each in given if isinstance(each, str) and 0 < len(each) <= _LONGEST_ID][:_MOST_VALUES]


def _time(value: object) -> int | None:
    """Return nanoseconds since 1970; None for a missing one, which protobuf writes as 0."""
    try:
        ns = int(value) if isinstance(value, str | int) else 0
    except ValueError:
        return None
    return ns if 0 < ns < 1 << 63 else None


def _seconds(value: object) -> float | None:
    """Return a duration of at most an hour."""
    try:
        seconds = float(value) if isinstance(value, str | int | float) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= 3600 else None
