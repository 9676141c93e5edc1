-- One row is one reason why two channels belong to one call. Identified by `channel_id`, `other_id` and `reason`.
-- Channels share a bridge while Asterisk lists them in it together; holding bridges (parking, queues) tie nobody.
WITH shared_bridges AS (
    SELECT seq, channel_id, unnest(bridge_channel_ids) AS other_id
    FROM stg_bridge_events
    WHERE NOT is_holding
),

transferred AS (
    SELECT
        seq,
        transferer_channel_id AS channel_id,
        unnest([
            transferer_second_channel_id, transferee_channel_id, target_channel_id, replace_channel_id,
            link_first_channel_id, link_second_channel_id
        ]) AS other_id
    FROM int_transfers
),

-- `…;1` and `…;2` are two ends of one thing (Local channels above all), made together. Asterisk numbers them anew
-- after a restart, so that the name alone does not do.
pairs AS (
    SELECT two.first_seq AS seq, one.channel_id, two.channel_id AS other_id
    FROM int_channel_facts AS one
    JOIN int_channel_facts AS two
        ON two.channel_name = regexp_replace(one.channel_name, ';1$', ';2')
        AND two.channel_name <> one.channel_name
        AND two.asterisk_id IS NOT DISTINCT FROM one.asterisk_id
        AND abs(epoch_ms(two.channel_created_at) - epoch_ms(one.channel_created_at)) < 1000
),

links AS (
    SELECT 'bridge' AS reason, seq, channel_id, other_id FROM shared_bridges
    UNION ALL
    SELECT 'transfer', seq, channel_id, other_id FROM transferred
    UNION ALL
    SELECT 'pair', seq, channel_id, other_id FROM pairs
    UNION ALL
    SELECT 'dial', seq, peer_channel_id, unnest([caller_channel_id, forwarded_channel_id]) FROM stg_dials
    UNION ALL
    SELECT 'replace', seq, channel_id, replace_channel_id FROM stg_replacements
)

SELECT channel_id, other_id, reason, min(seq) AS first_seq
FROM links
WHERE channel_id <> other_id
GROUP BY ALL
