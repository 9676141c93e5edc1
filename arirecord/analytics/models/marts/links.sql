-- One row is one reason why two channels belong to one call, and the event that shows it. Identified by `channel_id`,
-- `other_channel_id` and `reason`. `channel_id` is the one that occurs first in the recording.
WITH named AS (
    SELECT
        links.reason,
        links.first_seq,
        links.channel_id AS one_id,
        links.other_id AS two_id,
        one.channel_name AS one_name,
        two.channel_name AS two_name,
        COALESCE(two.first_seq < one.first_seq, one.first_seq IS NULL) AS is_reversed,
        COALESCE(calls_of_one.call_id, calls_of_two.call_id) AS one_call_id,
        COALESCE(calls_of_two.call_id, calls_of_one.call_id) AS two_call_id
    FROM int_links AS links
    LEFT JOIN int_channel_facts AS one ON one.channel_id = links.channel_id
    LEFT JOIN int_channel_facts AS two ON two.channel_id = links.other_id
    LEFT JOIN int_call_channels AS calls_of_one ON calls_of_one.channel_id = links.channel_id
    LEFT JOIN int_call_channels AS calls_of_two ON calls_of_two.channel_id = links.other_id
)

SELECT
    CASE WHEN is_reversed THEN two_call_id ELSE one_call_id END AS call_id,
    CASE WHEN is_reversed THEN two_id ELSE one_id END AS channel_id,
    CASE WHEN is_reversed THEN two_name ELSE one_name END AS channel_name,
    CASE WHEN is_reversed THEN one_id ELSE two_id END AS other_channel_id,
    CASE WHEN is_reversed THEN one_name ELSE two_name END AS other_channel_name,
    named.reason,
    one_call_id = two_call_id AS is_same_call,
    CASE WHEN events.kind = 'rest' THEN 'REST ' || events.type ELSE events.type END AS event_type,
    events.event_at AS linked_at,
    named.first_seq AS seq
FROM named
LEFT JOIN int_link_rows AS events ON events.seq = named.first_seq
