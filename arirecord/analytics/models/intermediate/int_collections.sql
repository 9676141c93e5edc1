-- One row is one variable that was set to digits on a channel that gave digits, or the status of a Read(). Identified
-- by `channel_id` and `seq`. Numbers that Asterisk itself counts are left out. `read_seq` is the beginning of the last
-- Read(), which sets its status to ERROR when it begins.
WITH set_there AS (
    SELECT channel_id, variable, value, event_at, min(seq) AS seq
    FROM stg_variables
    WHERE channel_id IN (SELECT channel_id FROM int_digits)
    GROUP BY ALL
    -- Otherwise DuckDB searches the text of every variable before it checks the channel.
    OFFSET 0
)

SELECT set_there.channel_id, set_there.variable, set_there.value, set_there.seq, reads.seq AS read_seq
FROM set_there
ASOF LEFT JOIN (
    SELECT channel_id, seq FROM int_dialplan_steps WHERE app = 'Read'
) AS reads ON reads.channel_id = set_there.channel_id AND reads.seq < set_there.seq
WHERE (variable = 'READSTATUS' OR regexp_full_match(value, '[0-9A-D*#]{1,80}'))
    AND NOT regexp_full_match(variable, '(ANSWERED|DIALED|RING|PROGRESS)TIME(_MS)?|QUEUE\w*|DIALEDPEERNUMBER|SIP\w*')
