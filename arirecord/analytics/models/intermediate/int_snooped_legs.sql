-- One row is one Snoop channel that reports the speech of one leg. Identified by `channel_id`.
-- It must listen to what comes from the leg (`spy=in`). Without the request that made it, the events decide: a Snoop that
-- listens to the other side reports speech at the same moments as another leg.
WITH snoops AS (
    SELECT
        facts.channel_id,
        channel_key(snooped_id(facts.channel_name), facts.first_seq) AS leg_id,
        calls.call_id
    FROM int_channel_facts AS facts
    JOIN int_call_channels AS calls USING (channel_id)
    WHERE facts.channel_name LIKE 'Snoop/%'
),

asked AS (
    SELECT
        channel_key(url_decode(split_part(path, '/', 2)), seq) AS leg_id,
        bool_and(COALESCE(
            NULLIF(regexp_extract(query, '&spy=([^&]*)', 1), ''), body ->> 'spy', 'none'
        ) = 'in') AS is_inward
    FROM stg_requests
    WHERE method = 'POST' AND regexp_matches(path, '^channels/[^/]+/snoop(/|$)')
    GROUP BY ALL
),

begins AS (
    SELECT speech.channel_id, legs.call_id, speech.seq, epoch_ms(speech.started_at) AS from_ms
    FROM int_speech AS speech
    JOIN int_legs AS legs USING (channel_id)
    WHERE speech.started_at IS NOT NULL
),

compared AS (
    SELECT snoops.channel_id, begins.seq, count(others.seq) > 0 AS is_of_another
    FROM snoops
    JOIN begins USING (channel_id)
    LEFT JOIN begins AS others
        ON others.call_id = begins.call_id AND others.channel_id NOT IN (snoops.channel_id, snoops.leg_id)
        AND others.channel_id NOT IN (SELECT channel_id FROM snoops)
        AND abs(others.from_ms - begins.from_ms) <= 60
    GROUP BY snoops.channel_id, begins.seq
)

SELECT snoops.channel_id, snoops.leg_id
FROM snoops
JOIN compared USING (channel_id)
LEFT JOIN asked USING (leg_id)
GROUP BY snoops.channel_id, snoops.leg_id
HAVING COALESCE(any_value(asked.is_inward), count(*) FILTER (compared.is_of_another) < 0.2 * count(*))
