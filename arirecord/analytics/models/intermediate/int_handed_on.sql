-- One row is one channel whose call goes on when the channel has gone: it transferred its party or was replaced, or
-- its party, which it parked for example, talks on. Identified by `channel_id`.
SELECT transferer_channel_id AS channel_id FROM int_transfers WHERE COALESCE(result, 'Success') = 'Success'
UNION
SELECT transferer_second_channel_id FROM int_transfers WHERE COALESCE(result, 'Success') = 'Success'
UNION
SELECT replace_channel_id FROM stg_replacements
UNION
SELECT legs.channel_id
FROM int_legs AS legs
JOIN int_channel_facts AS facts USING (channel_id)
JOIN int_talk_parts AS talks ON talks.call_id = legs.call_id AND talks.entered_seq > facts.last_seq
WHERE legs.is_first
    -- A channel that hung up in a conversation did not hand its call on.
    AND NOT EXISTS (
        FROM int_hangup_requests AS asked
        JOIN int_talk_parts AS own ON own.channel_id = asked.channel_id
        WHERE asked.channel_id = legs.channel_id AND NOT asked.is_soft
            AND COALESCE(own.entered_seq < asked.seq, true) AND COALESCE(own.left_seq > asked.seq, true)
    )
