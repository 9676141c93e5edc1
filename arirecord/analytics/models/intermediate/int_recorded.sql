-- One row is one interval that was recorded, by Asterisk's clock. Identified by `begin_at`.
-- It goes from before its first event to after its last one. The clocks of Asterisk and the recorder may differ, and
-- so may their pace if a replay was recorded. `recorder_begin_at` is by the recorder's clock, `end_delay_us` the lead
-- of that clock at the end; `next_begin_at` is the beginning of the next interval, after a gap.
WITH bounds AS (
    SELECT
        spans.begin_at,
        min(receipts.recorded_at) AS first_recorded_at,
        max(receipts.recorded_at) AS last_recorded_at
    FROM int_receipts AS receipts
    ASOF JOIN stg_recorded_spans AS spans ON receipts.recorded_at >= spans.begin_at - INTERVAL 1 MILLISECOND
    WHERE receipts.recorded_at <= spans.end_at + INTERVAL 1 MILLISECOND
    GROUP BY spans.begin_at
),

delays AS (
    SELECT
        bounds.begin_at,
        max(epoch_us(receipts.recorded_at) - epoch_us(receipts.event_at)) FILTER (recorded_at = first_recorded_at)
            AS begin_delay_us,
        any_value(first_recorded_at) AS first_recorded_at,
        min(epoch_us(receipts.recorded_at) - epoch_us(receipts.event_at)) FILTER (recorded_at = last_recorded_at)
            AS end_delay_us
    FROM int_receipts AS receipts
    JOIN (
        SELECT *, unnest([first_recorded_at, last_recorded_at]) AS recorded_at FROM bounds
    ) AS bounds USING (recorded_at)
    GROUP BY bounds.begin_at
),

shifted AS (
    SELECT
        spans.begin_at AS recorder_begin_at,
        epoch_us(
            -- Without times of receipt, the time before the clock was set is not known.
            CASE
                WHEN is_unset(spans.begin_at) AND NOT is_unset(delays.first_recorded_at) THEN delays.first_recorded_at
                ELSE spans.begin_at
            END
        ) - COALESCE(delays.begin_delay_us, 0) AS begin_us,
        epoch_us(spans.end_at) - COALESCE(delays.end_delay_us, 0) AS end_us,
        COALESCE(delays.end_delay_us, 0) AS end_delay_us
    FROM stg_recorded_spans AS spans
    LEFT JOIN delays USING (begin_at)
)

SELECT
    make_timestamp(begin_us) AS begin_at,
    make_timestamp(greatest(begin_us, end_us)) AS end_at,
    make_timestamp(lead(begin_us) OVER (ORDER BY recorder_begin_at)) AS next_begin_at,
    recorder_begin_at,
    end_delay_us
FROM shifted
