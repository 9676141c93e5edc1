"""The table of stages from an OpenTelemetry file, each with the channel that a span or one above it names."""

import logging
from collections.abc import Callable, Sequence
from itertools import islice

import pyarrow as pa

from arirecord.session.reader import SpanFile

from .otlp_file import StageSpan, read_spans
from .statement_runner import StatementRunner

__all__ = ["SPANS", "create_spans"]

SPANS = "agent_spans"
"""Table of the stages with a known channel; `stg_agent_spans` reads it."""
_COLUMNS = (
    "trace_id VARCHAR, span_id VARCHAR, channel_id VARCHAR, stage VARCHAR, started_at TIMESTAMP, ended_at TIMESTAMP, "
    "first_s DOUBLE"
)
_BATCH = 5_000
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("trace_id", "span_id", "parent_id", "stage")),
        ("begin_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("first_s", pa.float64()),
        ("values", pa.list_(pa.string())),
        ("resource_values", pa.list_(pa.string())),
    ]
)
_READ = "spans_of_file"
# Bots pass the channel's id on in attributes of their own: any attribute counts whose text is the id of a channel.
_RESOLVED = f"""
CREATE TABLE {SPANS} AS
WITH RECURSIVE channels AS (
    SELECT channel_id AS value FROM ({{channels}}) WHERE channel_id IS NOT NULL
),

spans AS (
    SELECT DISTINCT ON (trace_id, span_id) * FROM {_READ} ORDER BY trace_id, span_id, end_ns DESC
),

named AS (
    SELECT trace_id, span_id, min(value) AS channel_id
    FROM (SELECT trace_id, span_id, unnest("values") AS value FROM spans)
    WHERE value IN (FROM channels)
    GROUP BY ALL
),

resources AS (
    SELECT resource_values, min(value) AS channel_id
    FROM (SELECT resource_values, unnest(resource_values) AS value FROM (SELECT DISTINCT resource_values FROM spans))
    WHERE value IN (FROM channels)
    GROUP BY ALL
),

ancestors AS (
    SELECT trace_id, span_id, span_id AS ancestor_id, parent_id, stage, 0 AS depth
    FROM spans
    WHERE stage IS NOT NULL
    UNION ALL
    SELECT mine.trace_id, mine.span_id, above.span_id, above.parent_id, above.stage, mine.depth + 1
    FROM ancestors AS mine
    JOIN spans AS above ON above.trace_id = mine.trace_id AND above.span_id = mine.parent_id
    WHERE mine.depth < 64
),

-- A request within a stage of the same name, such as a retry, is a part of it.
resolved AS (
    SELECT
        ancestors.trace_id, ancestors.span_id,
        arg_min(named.channel_id, depth) FILTER (named.channel_id IS NOT NULL) AS channel_id,
        count(DISTINCT ancestors.ancestor_id) FILTER (ancestors.stage = spans.stage) > 1 AS is_nested
    FROM ancestors
    JOIN spans ON spans.trace_id = ancestors.trace_id AND spans.span_id = ancestors.span_id
    LEFT JOIN named ON named.trace_id = ancestors.trace_id AND named.span_id = ancestors.ancestor_id
    GROUP BY ALL
)

SELECT
    spans.trace_id, spans.span_id,
    COALESCE(resolved.channel_id, resources.channel_id) AS channel_id,
    spans.stage, make_timestamp(begin_ns // 1000) AS started_at, make_timestamp(end_ns // 1000) AS ended_at,
    spans.first_s
FROM spans
JOIN resolved USING (trace_id, span_id)
LEFT JOIN resources USING (resource_values)
WHERE NOT is_nested
"""
_COUNTS = f"""
SELECT
    count(*), count(*) FILTER (channel_id IS NULL),
    count(*) FILTER (channel_id IS NOT NULL AND COALESCE(ended_at < started_at, true))
FROM {SPANS}
"""
_log = logging.getLogger(__name__)


def create_spans(runner: StatementRunner, file: SpanFile | None, channels: Callable[[], str]) -> None:
    """Create the table of stages; without a file it is empty. Logs a warning if spans are left out.

    channels: returns SQL for the ids of all channels of the recording.
    Raises `OtlpError`.
    """
    if file is None:
        runner.run(f"CREATE TABLE {SPANS} ({_COLUMNS})")
        return
    runner.connection.from_arrow(_SCHEMA.empty_table()).create(_READ)
    spans = read_spans(file.path, file.attribute)
    while batch := list(islice(spans, _BATCH)):
        runner.connection.from_arrow(_arrow(batch)).insert_into(_READ)
    runner.run(_RESOLVED.replace("{channels}", channels()))
    runner.drop(_READ)
    ((count, unknown_count, endless_count),) = runner.rows(_COUNTS)
    runner.run(f"DELETE FROM {SPANS} WHERE channel_id IS NULL OR COALESCE(ended_at < started_at, true)")
    if not count:
        _log.warning("%s has no span of a stage: none is named stt, llm, tts or as those of LiveKit.", file.path)
    if unknown_count:
        _log.warning(
            "%s: %d of %d stages are left out: %s of their span, of one above it or of the resource names a channel of "
            "this recording. Set the channel's id as an attribute of the agent's root span.",
            file.path, unknown_count, count, f"no attribute {file.attribute}" if file.attribute else "no attribute",
        )  # fmt: skip
    if endless_count:
        _log.warning("%s: %d stages are left out: they have no beginning or no end.", file.path, endless_count)


def _arrow(spans: Sequence[StageSpan]) -> pa.Table:
    columns = zip(*spans, strict=True)
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA
    )
