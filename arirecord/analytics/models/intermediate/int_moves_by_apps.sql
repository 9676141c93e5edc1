-- One row is one transfer that an application did by moving channels between its bridges. Identified by `seq`, the entry
-- by which the transferee met the target, and `transferee_channel_id`.
-- The transferee was bridged with the transferer, and then with the target, when the transferer had left or was about
-- to leave. It was attended if transferer and target were bridged in between. Otherwise the target was made after the
-- first conversation had begun, and the transferer did not hang up itself.
WITH stays AS (
    SELECT stays.*
    FROM int_bridge_stays AS stays
    JOIN int_channel_facts AS facts USING (channel_id)
    WHERE stays.entered_seq IS NOT NULL AND NOT stays.is_holding AND facts.is_answered
        AND NOT facts.is_helper AND NOT facts.is_media AND facts.technology <> 'Local'
        AND stays.bridge_id IN (SELECT bridge_id FROM int_bridge_events WHERE bridge_class = 'stasis')
),

meetings AS (
    SELECT
        mine.channel_id, others.channel_id AS other_id, mine.bridge_id, mine.left_at,
        greatest(mine.entered_seq, others.entered_seq) AS seq,
        greatest(mine.entered_at, others.entered_at) AS event_at,
        least(mine.left_seq, others.left_seq) AS parted_seq
    FROM stays AS mine
    JOIN stays AS others
        ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id
        AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
),

pairs AS (
    SELECT
        channel_id, other_id, min(seq) AS first_seq, arg_min(bridge_id, seq) AS bridge_id,
        CASE WHEN bool_and(left_at IS NOT NULL) THEN max(left_at) END AS last_left_at
    FROM meetings
    GROUP BY channel_id, other_id
),

-- The transferer is the party with which the transferee was bridged last. A party that stays makes it a conference.
reached AS (
    SELECT
        meetings.*, talked.other_id AS transferer_id, talked.bridge_id AS talk_bridge_id, talked.seq AS talk_seq
    FROM meetings
    JOIN pairs ON pairs.channel_id = meetings.channel_id AND pairs.first_seq = meetings.seq
    ASOF JOIN meetings AS talked ON talked.channel_id = meetings.channel_id AND talked.parted_seq < meetings.seq
)

SELECT
    reached.seq,
    reached.event_at,
    CASE WHEN consulted.first_seq IS NULL THEN 'blind' ELSE 'attended' END AS kind,
    'bridge' AS destination_type,
    plain_id(reached.bridge_id) AS target,
    reached.transferer_id AS transferer_channel_id,
    reached.channel_id AS transferee_channel_id,
    reached.other_id AS target_channel_id,
    reached.talk_bridge_id AS bridge_id,
    consulted.bridge_id AS second_bridge_id
FROM reached
JOIN pairs AS talked ON talked.channel_id = reached.channel_id AND talked.other_id = reached.transferer_id
JOIN int_channel_lives AS target ON target.channel_id = reached.other_id
LEFT JOIN pairs AS consulted
    ON consulted.channel_id = reached.transferer_id AND consulted.other_id = reached.other_id
LEFT JOIN (
    SELECT channel_id, min(seq) AS seq FROM int_hangup_requests WHERE NOT is_soft GROUP BY channel_id
) AS requests ON requests.channel_id = reached.transferer_id
WHERE CASE
        WHEN consulted.first_seq IS NULL
        THEN target.first_seq > reached.talk_seq AND COALESCE(requests.seq > reached.seq, true)
        ELSE consulted.first_seq > talked.first_seq AND consulted.first_seq < reached.seq
            AND consulted.last_left_at <= reached.event_at + INTERVAL 2 SECOND
    END
    AND NOT EXISTS (
        FROM meetings AS others
        WHERE others.channel_id = reached.channel_id AND others.seq < reached.seq
            AND COALESCE(others.parted_seq > reached.seq, true)
    )
    AND NOT EXISTS (
        FROM stg_transfers AS announced
        WHERE reached.transferer_id IN (announced.transferer_channel_id, announced.transferer_second_channel_id)
    )
    AND NOT EXISTS (FROM stg_refers AS refers WHERE refers.transferer_channel_id = reached.transferer_id)
