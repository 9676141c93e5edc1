-- One row is one channel that any event named, with what was known of it first and last. Identified by `channel_id`.
WITH sightings AS (
    FROM stg_channel_events
    UNION ALL BY NAME
    SELECT * EXCLUDE (dial_role) FROM stg_dialled_channels
),

facts AS (
    SELECT
        channel_id,
        arg_min(asterisk_id, seq) AS asterisk_id,
        arg_min(channel_name, seq) AS channel_name,
        arg_min(channel_state, seq) AS first_state,
        arg_min(channel_created_at, seq) AS channel_created_at,
        arg_min(caller_number, seq) AS caller_number,
        arg_max(caller_number, seq) AS last_caller_number,
        arg_min(caller_name, seq) AS caller_name,
        arg_min(connected_number, seq) AS connected_number,
        arg_max(connected_number, seq) AS last_connected_number,
        arg_max(connected_name, seq) AS last_connected_name,
        arg_min(exten, seq) AS exten,
        arg_max(exten, seq) AS last_exten,
        arg_min(context, seq) AS context,
        arg_max(accountcode, seq) AS accountcode,
        arg_max(channelvars, seq) FILTER (contains(channelvars, 'linkedid')) AS channelvars,
        bool_or(channel_state = 'Up') AS is_answered,
        min(seq) AS first_seq,
        max(seq) AS last_seq
    FROM sightings
    GROUP BY channel_id
)

SELECT
    * EXCLUDE (channelvars, is_answered),
    split_part(channel_name, '/', 1) AS technology,
    -- Asterisk's own hands in a call, no party to it.
    split_part(channel_name, '/', 1) IN (
        'Announcer', 'CBAnn', 'CBRec', 'Message', 'MulticastRTP', 'Recorder', 'Snoop', 'Surrogate'
    ) AS is_helper,
    COALESCE(is_answered, false) AS is_answered,
    NULLIF(TRY_CAST(channelvars AS JSON) ->> '$."CHANNEL(linkedid)"', '') AS linkedid
FROM facts
