-- One row is one channel that the application Page called. Identified by `member_id`.
-- Page originates its members at once, and no event names the channel that pages: the members are the channels of the
-- endpoints in its parameters that were dialled within a second.
SELECT arg_max(steps.channel_id, steps.seq) AS channel_id, max(steps.seq) AS seq, members.channel_id AS member_id
FROM (
    SELECT seq, channel_id, event_at, unnest(string_split(split_part(app_data, ',', 1), '&')) AS endpoint
    FROM int_dialplan_steps
    WHERE app = 'Page'
) AS steps
JOIN int_channel_facts AS members
    ON endpoint_of(members.channel_name) = regexp_replace(steps.endpoint, '^(Local/.*)/[a-z]+$', '\1')
    AND members.first_seq > steps.seq
    AND members.created_at BETWEEN steps.event_at AND steps.event_at + INTERVAL 1 SECOND
JOIN int_dialled AS dialled ON dialled.channel_id = members.channel_id AND NOT dialled.is_caller
GROUP BY members.channel_id
