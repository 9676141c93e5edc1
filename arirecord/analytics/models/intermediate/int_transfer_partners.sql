-- One row is one party that a transfer's event does not name. Identified by `seq` and `side` (transferee or target).
-- Asterisk names a party only where it is alone with the transferer in a bridge, and before 12.5 never. The bridge's
-- members are known from entries and exits. First is the party that the transferer dialled or that dialled it, then the
-- one that it met first; channels that were gone by then come last. A conference room has no such party.
WITH sides AS (
    SELECT *, 'transferee' AS side, transferer_channel_id AS channel_id
    FROM stg_transfers
    WHERE transferee_channel_id IS NULL
    UNION ALL BY NAME
    SELECT *, 'transferee' AS side, transferer_channel_id AS channel_id
    FROM int_unannounced_transfers
    UNION ALL BY NAME
    SELECT * REPLACE (second_bridge_id AS bridge_id), 'target' AS side, transferer_second_channel_id AS channel_id
    FROM stg_transfers
    WHERE target_channel_id IS NULL
    UNION ALL BY NAME
    SELECT * REPLACE (second_bridge_id AS bridge_id), 'target' AS side, transferer_second_channel_id AS channel_id
    FROM int_unannounced_transfers
),

-- The stay in which it transfers: Asterisk may report the transfer after the transferer has left.
stays_of_transferers AS (
    SELECT sides.*, stays.entered_seq, stays.left_seq
    FROM sides
    JOIN int_bridge_stays AS stays
        ON stays.channel_id = sides.channel_id AND stays.bridge_id = sides.bridge_id
        AND COALESCE(stays.entered_seq < sides.seq, true)
    QUALIFY row_number() OVER (PARTITION BY sides.seq, sides.side ORDER BY stays.entered_seq DESC NULLS LAST) = 1
),

dialled AS (
    SELECT caller_channel_id AS channel_id, peer_channel_id AS other_id FROM int_dials
    UNION
    SELECT peer_channel_id, caller_channel_id FROM int_dials
)

SELECT mine.seq, mine.side, others.channel_id
FROM stays_of_transferers AS mine
JOIN int_bridge_stays AS others
    ON others.bridge_id = mine.bridge_id
    AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
    AND list_contains(
        [
            mine.transferer_channel_id, mine.transferer_second_channel_id, mine.transferee_channel_id,
            mine.replace_channel_id, mine.link_first_channel_id, mine.link_second_channel_id
        ],
        others.channel_id
    ) IS NOT true
JOIN int_channel_facts AS facts
    ON facts.channel_id = others.channel_id AND NOT facts.is_helper AND NOT facts.is_media
LEFT JOIN dialled ON dialled.channel_id = mine.channel_id AND dialled.other_id = others.channel_id
WHERE mine.bridge_id NOT IN (SELECT bridge_id FROM int_bridge_events WHERE bridge_creator = 'ConfBridge')
QUALIFY row_number() OVER (
    PARTITION BY mine.seq, mine.side
    ORDER BY
        COALESCE(facts.is_ended AND facts.last_seq < least(mine.left_seq, mine.seq), false),
        dialled.other_id IS NULL,
        greatest(others.entered_seq, mine.entered_seq) NULLS FIRST,
        others.channel_id
) = 1
