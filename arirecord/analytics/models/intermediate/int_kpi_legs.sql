-- One row is one leg that KPIs count, with its time in the recording. Identified by `channel_id`.
-- `until_at` is the leg's end. For a leg without one it is the moment when it left its application, the last `Dial`
-- event if no other named it, the beginning of the next gap, or the end of the recording. A leg that ended at an unknown
-- time counts until the last known one; without any it has no times. `is_start_known`: it began in recorded time,
-- within a second.
WITH span AS (
    SELECT min(begin_at) AS first_at, max(end_at) AS last_at
    FROM int_recorded
),

gaps AS (
    SELECT gaps.seq, gaps.begin_at - to_microseconds(recorded.end_delay_us) AS lost_at
    FROM int_gaps AS gaps
    ASOF JOIN int_recorded AS recorded ON gaps.begin_at >= recorded.recorder_begin_at
)

SELECT
    this_server() AS server,
    legs.* EXCLUDE (created_at, up_at, gone_at, is_leg_answered, is_only_dialled, is_over, is_timed),
    CASE WHEN legs.is_timed THEN greatest(legs.created_at, span.first_at) END AS started_at,
    CASE WHEN legs.is_timed AND legs.is_leg_answered THEN greatest(legs.up_at, span.first_at) END AS up_at,
    greatest(
        COALESCE(
            legs.gone_at,
            CASE WHEN legs.is_timed AND NOT legs.is_only_dialled THEN least(gaps.lost_at, span.last_at) END
        ),
        legs.created_at,
        CASE WHEN legs.is_leg_answered THEN legs.up_at END
    ) AS until_at,
    COALESCE(legs.created_at < recorded.end_at, false) AS is_start_known
FROM (SELECT *, gone_at IS NOT NULL OR NOT is_over AS is_timed FROM int_counted_legs) AS legs
CROSS JOIN span
ASOF LEFT JOIN gaps ON gaps.seq > legs.last_seq
ASOF LEFT JOIN int_recorded AS recorded ON legs.created_at >= recorded.begin_at - INTERVAL 1 SECOND
