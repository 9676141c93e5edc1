-- One row is one playback: media that a request asked ARI to play to a channel or a bridge. Identified by
-- `playback_id` and `first_seq`. Asterisk reports the beginning of each of its sounds and of each restart, and the end
-- once. A life of an id is on one target until its end, since an app may reuse the id on another one.
WITH steps AS (
    -- A frame that Asterisk sent twice is one step.
    SELECT
        playback_id, target_uri, channel_id, bridge_id, type, event_at, media_uri,
        any_value(language) AS language,
        any_value(state) AS state,
        bool_or(is_receipt_time) AS is_receipt_time,
        min(seq) AS seq
    FROM stg_playback_events
    WHERE playback_id IS NOT NULL
    GROUP BY playback_id, target_uri, channel_id, bridge_id, type, event_at, media_uri,
        CASE WHEN event_at IS NULL THEN seq END
),

numbered AS (
    SELECT
        *,
        type = 'PlaybackStarted' AND lag(type) OVER steps_of_id = 'PlaybackStarted'
            AND lag(media_uri) OVER steps_of_id IS NOT DISTINCT FROM media_uri AS is_restart,
        count(*) FILTER (type = 'PlaybackFinished') OVER (
            steps_of_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS number
    FROM steps
    WINDOW steps_of_id AS (PARTITION BY playback_id, target_uri, channel_id, bridge_id ORDER BY seq)
),

played AS (
    SELECT
        playback_id, target_uri, channel_id, bridge_id,
        any_value(language) AS language,
        bool_or(is_receipt_time) AS is_receipt_time,
        list(media_uri ORDER BY seq) FILTER (type = 'PlaybackStarted' AND is_restart IS NOT true) AS media_uris,
        count(*) FILTER (is_restart) AS restart_count,
        min(event_at) FILTER (type = 'PlaybackStarted') AS first_started_at,
        arg_min(type, seq) <> 'PlaybackStarted' AS is_begun_before,
        any_value(event_at) FILTER (type = 'PlaybackFinished') AS ended_at,
        any_value(state) FILTER (type = 'PlaybackFinished') AS state,
        min(seq) AS first_seq,
        max(seq) AS last_seq
    FROM numbered
    GROUP BY playback_id, target_uri, channel_id, bridge_id, number
)

SELECT
    played.* EXCLUDE (first_started_at, is_begun_before),
    NOT is_begun_before AS has_start,
    CASE WHEN NOT is_begun_before THEN first_started_at END AS started_at,
    NOT is_begun_before AND ended_at IS NOT NULL AND (gaps.seq IS NULL OR gaps.seq < first_seq) AS is_complete
FROM played
ASOF LEFT JOIN int_gaps AS gaps ON played.last_seq >= gaps.seq
