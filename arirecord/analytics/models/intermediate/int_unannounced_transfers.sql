-- One row is one attended transfer that ARI does not announce. Identified by `seq`.
-- Asterisk drops `BridgeAttendedTransfer` if it would have to name a channel that ARI hides (a bridge's recorder). The
-- evidence that remains is the Local pair in the place of the transferer's two channels, with a name that Asterisk
-- gives to no others. The transferer is the channel that left each bridge just before that pair entered.
WITH link_ends AS (
    SELECT stays.channel_id, stays.bridge_id, stays.entered_seq, stays.entered_at, facts.channel_name
    FROM int_bridge_stays AS stays
    JOIN int_channel_facts AS facts USING (channel_id)
    WHERE facts.channel_name LIKE 'Local/\_attended@transfer-%' ESCAPE '\'
        AND stays.entered_seq IS NOT NULL
        AND stays.channel_id NOT IN (
            SELECT unnest([link_first_channel_id, link_second_channel_id]) AS channel_id
            FROM stg_transfers
            WHERE link_first_channel_id IS NOT NULL AND link_second_channel_id IS NOT NULL
        )
    QUALIFY row_number() OVER (PARTITION BY stays.channel_id ORDER BY stays.entered_seq) = 1
),

replaced AS (
    SELECT
        link_ends.*,
        arg_max(stays.channel_id, stays.left_seq) AS transferer_channel_id
    FROM link_ends
    LEFT JOIN int_bridge_stays AS stays
        ON stays.bridge_id = link_ends.bridge_id AND stays.left_seq < link_ends.entered_seq
    GROUP BY ALL
)

SELECT
    one.entered_seq AS seq,
    one.entered_at AS event_at,
    'attended' AS kind,
    'link' AS destination_type,
    plain_id(two.bridge_id) AS target,
    one.transferer_channel_id,
    two.transferer_channel_id AS transferer_second_channel_id,
    one.channel_id AS link_first_channel_id,
    two.channel_id AS link_second_channel_id,
    one.bridge_id,
    two.bridge_id AS second_bridge_id
FROM replaced AS one
JOIN replaced AS two
    ON one.channel_name LIKE '%;1' AND two.channel_name = regexp_replace(one.channel_name, ';1$', ';2')
QUALIFY row_number() OVER (PARTITION BY one.entered_seq ORDER BY abs(two.entered_seq - one.entered_seq)) = 1
