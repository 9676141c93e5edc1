-- One row is one finding about an app in a tapped recording: it did not react to a channel, or a request was refused.
-- Identified by `rule`, `call_id`, `channel_id` and `seq`.
WITH requests_by_id AS (
    -- All ids that a request names, in its path, its parameters or its body.
    SELECT DISTINCT seq, asked_at, method, path, status, unnest(regexp_extract_all(
        concat_ws(' ', url_decode(path), url_decode(query), body), '[^/?&=,:"\s\[\]{}]+'
    )) AS named_id
    FROM stg_requests
),

channels_and_bridges AS (
    SELECT plain_id(channel_id) AS named_id, call_id
    FROM int_call_channels
    UNION
    SELECT plain_id(stays.bridge_id), calls.call_id
    FROM int_bridge_stays AS stays
    JOIN int_call_channels AS calls USING (channel_id)
),

reactions AS (
    SELECT
        starts.channel_id, starts.application, starts.event_at,
        min(starts.seq) AS seq, min(requests.asked_at) AS asked_at
    FROM stg_stasis_events AS starts
    LEFT JOIN requests_by_id AS requests ON requests.named_id = plain_id(starts.channel_id) AND requests.seq > starts.seq
    -- A channel that takes the place of another, by a transfer, is where the application had put the other.
    WHERE starts.is_entry AND starts.replace_channel_id IS NULL AND (SELECT has_requests FROM int_recording_facts)
    GROUP BY ALL
)

SELECT
    'app-did-not-react' AS rule, 'warning' AS severity,
    'entered ' || reactions.application || CASE
        WHEN reactions.asked_at IS NULL THEN ', which sent no request about it'
        ELSE format(', which sent no request about it for {:.1f} s', epoch(reactions.asked_at - reactions.event_at))
    END AS finding,
    spans.call_id, reactions.channel_id, reactions.seq, reactions.event_at
FROM reactions
JOIN int_call_channels AS calls USING (channel_id)
JOIN int_call_spans AS spans ON spans.call_id = calls.call_id
CROSS JOIN int_recording_facts AS recording
WHERE COALESCE(reactions.asked_at, spans.ended_at, recording.ended_at) - reactions.event_at > INTERVAL 3 SECONDS
UNION ALL
SELECT
    'app-was-refused', 'warning', format('{} /{} was answered with {}', requests.method, requests.path, requests.status),
    known.call_id, NULL, requests.seq, any_value(requests.asked_at)
FROM requests_by_id AS requests
JOIN channels_and_bridges AS known USING (named_id)
WHERE requests.status >= 400
GROUP BY requests.seq, requests.method, requests.path, requests.status, known.call_id
