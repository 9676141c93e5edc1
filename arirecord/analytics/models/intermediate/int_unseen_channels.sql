-- One row is one call with a channel that the recording does not show. Identified by `call_id`. `is_older`: that channel
-- may be the call's first.
-- A tap and an app's own socket show the channels of their applications only. Others are named by a transfer or a
-- recorded linkedid; one end of a Local channel shows that there is another. A bridge's list shows no such channel: it
-- also has channels that ARI hides, such as the one that plays to the bridge.
WITH ends AS (
    SELECT channel_id, other_id, reason FROM int_links WHERE reason NOT IN ('bridge', 'conference')
    UNION ALL
    SELECT other_id, channel_id, reason FROM int_links WHERE reason NOT IN ('bridge', 'conference')
),

transferred AS (
    SELECT unnest([transferer_channel_id, transferee_channel_id]) AS channel_id
    FROM int_transfers
    WHERE NOT is_inferred
),

unseen AS (
    SELECT
        ends.channel_id,
        ends.reason IN ('linkedid', 'originator', 'replace') OR transferred.channel_id IS NOT NULL AS is_older
    FROM ends
    ANTI JOIN int_channel_facts AS facts ON facts.channel_id = ends.other_id
    LEFT JOIN transferred ON transferred.channel_id = ends.other_id
    UNION ALL
    SELECT facts.channel_id, false
    FROM int_channel_facts AS facts
    ANTI JOIN int_local_halves AS halves ON halves.channel_id = facts.channel_id
    WHERE facts.technology = 'Local'
)

SELECT calls.call_id, bool_or(unseen.is_older) AS is_older
FROM unseen
JOIN int_call_channels AS calls ON calls.channel_id = unseen.channel_id
GROUP BY calls.call_id
