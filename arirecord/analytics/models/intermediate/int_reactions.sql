-- One row is one REST request of an application and the last event before it about the same channel or bridge.
-- Identified by `seq`, the request's. The request names it in its path or parameters, or by a playback to it.
WITH parts AS (
    SELECT
        *,
        url_decode(split_part(path, '/', 2)) AS path_id,
        url_decode(regexp_extract(query, '&(?:channel|originator)=([^&]*)', 1)) AS query_ids
    FROM stg_requests
),

things AS (
    SELECT DISTINCT seq, asked_ns, path_id, unnest(
        string_split(query_ids, ',') || [body ->> 'channel', body ->> 'originator', (
            CASE
                WHEN path LIKE 'channels/%' OR path LIKE 'bridges/%' THEN path_id
                WHEN path LIKE 'playbacks/%' THEN COALESCE(plays.channel_id, plays.bridge_id)
            END
        )]
    ) AS thing
    FROM parts
    LEFT JOIN (
        SELECT playback_id, any_value(channel_id) AS channel_id, any_value(bridge_id) AS bridge_id
        FROM int_playbacks
        GROUP BY playback_id
    ) AS plays ON parts.path LIKE 'playbacks/%' AND plays.playback_id = parts.path_id
),

heard AS (
    SELECT channel_id AS thing, seq, elapsed_ns, type, timestamp FROM channel_events
    UNION ALL
    SELECT bridge_id, seq, elapsed_ns, type, timestamp FROM ChannelEnteredBridge
    UNION ALL
    SELECT bridge_id, seq, elapsed_ns, type, timestamp FROM ChannelLeftBridge
    UNION ALL
    SELECT unnest([caller_id, peer_id]), seq, elapsed_ns, type, timestamp FROM Dial
    UNION ALL
    SELECT substr(playback_target_uri, strpos(playback_target_uri, ':') + 1), seq, elapsed_ns, type, timestamp
    FROM PlaybackFinished
    UNION ALL
    SELECT substr(recording_target_uri, strpos(recording_target_uri, ':') + 1), seq, elapsed_ns, type, timestamp
    FROM RecordingFinished
),

-- Without events that an application rarely reacts to: they would hide the event that it reacted to.
telling AS (
    SELECT *
    FROM heard
    WHERE thing IN (SELECT thing FROM things)
        AND type NOT IN ('ChannelVarset', 'ChannelDialplan', 'ChannelCallerId', 'ChannelConnectedLine')
),

preceding AS (
    SELECT things.seq, max(telling.seq) AS event_seq,
        -- A channel that a request names is more specific than the bridge in its path.
        arg_max(things.thing, {'seq': telling.seq, 'is_named': things.thing <> things.path_id}) AS thing,
        arg_max(telling.type, telling.seq) AS event_type, arg_max(telling.timestamp, telling.seq) AS event_at,
        arg_max(telling.elapsed_ns, telling.seq) AS event_ns
    FROM things
    ASOF JOIN telling ON telling.thing = things.thing AND telling.elapsed_ns <= things.asked_ns
    GROUP BY things.seq
)

SELECT
    requests.* EXCLUDE (query, body),
    preceding.* EXCLUDE (seq),
    requests.asked_ns - preceding.event_ns AS latency_ns
FROM stg_requests AS requests
LEFT JOIN preceding USING (seq)
