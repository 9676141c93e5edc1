-- One row is one event at the beginning or the end of an interval that was recorded, with the time of its receipt.
-- Identified by `seq`.
WITH receipts AS (
    SELECT seq, received_at, event_at FROM stg_receipts WHERE event_at IS NOT NULL
),

bounds AS (
    SELECT
        spans.begin_at,
        min(receipts.received_at) AS first_received_at,
        max(receipts.received_at) AS last_received_at
    FROM receipts
    ASOF JOIN stg_recorded_spans AS spans ON receipts.received_at >= spans.begin_at - INTERVAL 1 MILLISECOND
    WHERE receipts.received_at <= spans.end_at + INTERVAL 1 MILLISECOND
    GROUP BY spans.begin_at
)

SELECT receipts.seq, receipts.received_at, receipts.event_at
FROM receipts
SEMI JOIN (SELECT unnest([first_received_at, last_received_at]) AS received_at FROM bounds) AS bounds
    ON bounds.received_at = receipts.received_at
