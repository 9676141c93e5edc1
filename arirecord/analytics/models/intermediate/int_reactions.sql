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
    SELECT DISTINCT parts.seq, asked_ns, path_id, unnest(
        string_split(query_ids, ',') || [body ->> 'channel', body ->> 'originator', (
            CASE
                WHEN path LIKE 'channels/%' OR path LIKE 'bridges/%' THEN path_id
                WHEN path LIKE 'playbacks/%' THEN plain_id(COALESCE(plays.channel_id, plays.bridge_id))
            END
        )]
    ) AS thing
    FROM parts
    ASOF LEFT JOIN int_playbacks AS plays ON plays.playback_id = parts.path_id AND plays.first_seq <= parts.seq
),

-- Without events that an application rarely reacts to: they would hide the event that it reacted to.
telling AS (
    SELECT *
    FROM stg_subjects
    WHERE thing IN (SELECT thing FROM things)
        AND event_type NOT IN ('ChannelVarset', 'ChannelDialplan', 'ChannelCallerId', 'ChannelConnectedLine')
),

preceding AS (
    SELECT things.seq, max(telling.seq) AS event_seq,
        -- A channel that a request names is more specific than the bridge in its path.
        arg_max(things.thing, {'seq': telling.seq, 'is_named': things.thing <> things.path_id}) AS thing,
        arg_max(telling.event_type, telling.seq) AS event_type, arg_max(telling.event_at, telling.seq) AS event_at,
        arg_max(telling.elapsed_ns, telling.seq) AS event_ns
    FROM things
    ASOF JOIN telling ON telling.thing = things.thing AND telling.elapsed_ns <= things.asked_ns
    GROUP BY things.seq
)

SELECT
    requests.* EXCLUDE (query, body),
    preceding.* EXCLUDE (seq),
    channel_key(preceding.thing, requests.seq) AS channel_id,
    requests.asked_ns - preceding.event_ns AS latency_ns
FROM stg_requests AS requests
LEFT JOIN preceding USING (seq)
