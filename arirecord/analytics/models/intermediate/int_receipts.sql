-- One row is one event at the beginning or the end of an interval that was recorded, with the time of its receipt.
-- Identified by `seq`.
WITH receipts AS (
    SELECT seq, recorded_at, event_at FROM stg_receipts WHERE event_at IS NOT NULL
),

bounds AS (
    SELECT
        spans.begin_at,
        min(receipts.recorded_at) AS first_recorded_at,
        max(receipts.recorded_at) AS last_recorded_at
    FROM receipts
    ASOF JOIN stg_recorded_spans AS spans ON receipts.recorded_at >= spans.begin_at - INTERVAL 1 MILLISECOND
    WHERE receipts.recorded_at <= spans.end_at + INTERVAL 1 MILLISECOND
    GROUP BY spans.begin_at
)

SELECT receipts.seq, receipts.recorded_at, receipts.event_at
FROM receipts
SEMI JOIN (SELECT unnest([first_recorded_at, last_recorded_at]) AS recorded_at FROM bounds) AS bounds
    ON bounds.recorded_at = receipts.recorded_at
