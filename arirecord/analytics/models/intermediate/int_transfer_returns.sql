-- One row is one transfer after which the transferer was called back. Identified by `seq`.
-- Asterisk does so if the target does not answer after a consultation by keys.
SELECT
    transfers.seq,
    arg_min(facts.channel_id, stays.entered_seq) AS channel_id,
    min(stays.entered_at) AS met_at
FROM int_transfers AS transfers
JOIN int_transfer_spans AS spans USING (seq)
JOIN int_legs AS transferer ON transferer.channel_id = transfers.transferer_channel_id
JOIN int_legs AS legs
    ON legs.call_id = transferer.call_id AND legs.endpoint = transferer.endpoint AND legs.role = 'called'
JOIN int_channel_facts AS facts ON facts.channel_id = legs.channel_id AND facts.first_seq > spans.seq
JOIN int_talk_stays AS stays ON stays.channel_id = legs.channel_id AND stays.entered_seq < spans.next_seq
GROUP BY transfers.seq
