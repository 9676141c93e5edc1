-- One row is one transfer that was done, with the range of positions of its consequences. Identified by `seq`.
-- Asterisk may report a blind transfer after the transferee has gone on. It begins when the transferee left the bridge
-- (`moved_seq`); all actions of the transferee up to the next transfer (`next_seq`) belong to this one.
WITH moves AS (
    SELECT transfers.seq, arg_max(stays.left_seq, stays.entered_seq) AS left_seq
    FROM int_transfers AS transfers
    JOIN int_bridge_stays AS stays
        ON stays.channel_id = transfers.transferee_channel_id AND stays.bridge_id = transfers.bridge_id
        AND stays.entered_seq < transfers.seq
    WHERE transfers.kind = 'blind'
    GROUP BY transfers.seq
),

moved AS (
    SELECT transfers.*, COALESCE(least(moves.left_seq, transfers.seq), transfers.seq) AS moved_seq
    FROM int_transfers AS transfers
    LEFT JOIN moves USING (seq)
    WHERE transfers.result = 'Success'
)

SELECT
    *,
    COALESCE(
        lead(moved_seq) OVER (PARTITION BY COALESCE(transferee_channel_id, transferer_channel_id) ORDER BY seq),
        9223372036854775807
    ) AS next_seq
FROM moved
