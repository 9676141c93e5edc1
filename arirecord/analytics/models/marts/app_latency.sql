-- One row is one REST request of an application, with the event that it reacts to. Identified by `seq`.
SELECT
    reactions.seq,
    NULLIF(regexp_extract(reactions.client, '\((.*)\)$', 1), '') AS application,
    calls.call_id,
    reactions.event_type,
    reactions.event_at,
    reactions.event_seq,
    reactions.method,
    CASE
        WHEN reactions.path IN ('channels/create', 'channels/externalMedia') THEN reactions.path
        ELSE regexp_replace(
            reactions.path,
            '^((?:recordings/(?:live|stored)|applications|bridges|channels|deviceStates|mailboxes|playbacks|sounds)/)'
            || '[^/]+',
            '\1{}'
        )
    END AS operation,
    reactions.thing AS about_id,
    reactions.asked_at,
    reactions.latency_ns / 1000000 AS latency_ms,
    reactions.duration_ns / 1000000 AS answer_ms,
    reactions.status,
    CASE
        WHEN reactions.event_seq IS NOT NULL
        THEN row_number() OVER (PARTITION BY reactions.event_seq ORDER BY reactions.asked_ns, reactions.seq) = 1
    END AS is_first
FROM int_reactions AS reactions
LEFT JOIN int_call_channels AS calls USING (channel_id)
