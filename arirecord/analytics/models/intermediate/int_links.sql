-- One row is one reason why two channels belong to one call, with the event that first showed it. Identified by
-- `channel_id`, `other_id` and `reason`; the smaller of the two ids comes first. The reason `conference` alone does
-- not join them into one call.
WITH transferred AS (
    SELECT
        seq,
        transferer_channel_id AS channel_id,
        unnest([
            transferer_second_channel_id, transferee_channel_id, target_channel_id, replace_channel_id,
            link_first_channel_id, link_second_channel_id
        ]) AS other_id
    FROM int_transfers
    WHERE COALESCE(result, 'Success') = 'Success'
),

-- `…;1` and `…;2` are two ends of one object (mostly Local channels), made together. Asterisk restarts the numbering
-- when it restarts, so the name alone is not enough.
halves AS (
    SELECT
        channel_id, first_seq, epoch_ms(created_at) AS created_ms,
        channel_name[:-3] AS stem, channel_name[-1:] AS half
    FROM int_channel_facts
    WHERE channel_name LIKE '%;1' OR channel_name LIKE '%;2'
),

pairs AS (
    SELECT greatest(one.first_seq, two.first_seq) AS seq, one.channel_id, two.channel_id AS other_id
    FROM halves AS one
    JOIN halves AS two
        ON one.half = '1' AND two.half = '2' AND two.stem = one.stem
        AND abs(two.created_ms - one.created_ms) < 1000
),

reasons AS (
    SELECT CASE WHEN is_room THEN 'conference' ELSE 'bridge' END AS reason, seq, channel_id, other_id
    FROM int_bridge_links
    UNION ALL
    SELECT 'transfer', seq, channel_id, other_id FROM transferred
    UNION ALL
    SELECT 'pair', seq, channel_id, other_id FROM pairs
    UNION ALL
    SELECT 'page', seq, channel_id, member_id FROM int_page_members
    UNION ALL
    SELECT 'dial', seq, peer_channel_id, caller_channel_id FROM int_dials
    UNION ALL
    SELECT 'forward', seq, peer_channel_id, forwarded_channel_id FROM int_dials
    UNION ALL
    SELECT 'replace', seq, channel_id, replace_channel_id FROM stg_replacements
    UNION ALL
    SELECT 'originator', seq, channel_id, originator_channel_id FROM stg_originations
    UNION ALL
    SELECT 'other_channel', seq, channel_id, other_channel_id FROM stg_originations
    UNION ALL
    SELECT 'snoop', first_seq, channel_id, channel_key(NULLIF(snooped_id(channel_name), ''), first_seq)
    FROM int_channel_facts
    UNION ALL
    SELECT 'linkedid', linkedid_seq, channel_id, linkedid FROM int_channel_facts
)

SELECT
    least(channel_id, other_id) AS channel_id,
    greatest(channel_id, other_id) AS other_id,
    reason,
    min(seq) AS first_seq
FROM reasons
WHERE channel_id <> other_id
GROUP BY ALL
