-- One row is one interval of speech and one channel to which it is audible. Identified by `source_id`, `seq` and
-- `listener_id`. A channel receives the audio of the others in its bridge, and what is played to it or to its
-- bridge, and counts as a listener of its own speech.
-- With a third channel in the bridge Asterisk mixes: sound comes out 1 to 95 ms after it went in (measured). Half of the
-- usual 60 ms is added (`delay_ms`).
WITH stays AS (
    SELECT
        channel_id, bridge_id, entered_seq, left_seq,
        COALESCE(epoch_ms(entered_at), 0) AS entered_ms,
        COALESCE(epoch_ms(left_at), 32503680000000) AS left_ms
    FROM int_bridge_stays
    WHERE NOT is_holding
),

meetings AS (
    SELECT
        mine.bridge_id, mine.channel_id, others.channel_id AS listener_id,
        greatest(mine.entered_ms, others.entered_ms) AS met_ms,
        least(mine.left_ms, others.left_ms) AS parted_ms
    FROM stays AS mine
    JOIN stays AS others
        ON others.bridge_id = mine.bridge_id AND others.channel_id <> mine.channel_id
        AND COALESCE(others.entered_seq < mine.left_seq, true) AND COALESCE(others.left_seq > mine.entered_seq, true)
),

-- Of three channels in the bridge, one is neither the speaker nor the listener: more need not be kept.
crowds AS (
    SELECT
        speech.source_id, speech.seq, speech.channel_id, speech.until_ms, stays.bridge_id,
        (list(DISTINCT stays.channel_id))[:3] AS channel_ids
    FROM int_call_speech AS speech
    JOIN (SELECT DISTINCT channel_id, bridge_id FROM stays) AS own USING (channel_id)
    JOIN stays
        ON stays.bridge_id = own.bridge_id
        AND stays.entered_ms < speech.until_ms AND stays.left_ms > speech.from_ms
    GROUP BY speech.source_id, speech.seq, speech.channel_id, speech.until_ms, stays.bridge_id
),

audible AS (
    SELECT
        source_id, seq, channel_id AS listener_id, from_ms, until_ms, from_ms AS met_ms, until_ms AS parted_ms,
        0 AS delay_ms
    FROM int_call_speech
    WHERE channel_id IS NOT NULL
    UNION ALL
    SELECT
        speech.source_id, speech.seq, meetings.listener_id, speech.from_ms, speech.until_ms, met_ms, parted_ms,
        CASE WHEN len(list_filter(
            crowds.channel_ids, lambda third: third NOT IN (meetings.channel_id, meetings.listener_id)
        )) > 0 THEN 30 ELSE 0 END
    FROM int_call_speech AS speech
    JOIN meetings USING (channel_id)
    LEFT JOIN crowds
        ON crowds.source_id = speech.source_id AND crowds.seq = speech.seq AND crowds.channel_id = speech.channel_id
        AND crowds.until_ms = speech.until_ms AND crowds.bridge_id = meetings.bridge_id
    WHERE speech.source <> 'PlaybackStarted'
    UNION ALL
    SELECT speech.source_id, speech.seq, stays.channel_id, speech.from_ms, speech.until_ms, entered_ms, left_ms, 0
    FROM int_call_speech AS speech
    JOIN stays USING (bridge_id)
)

SELECT
    source_id, seq, listener_id,
    min(greatest(from_ms, met_ms)) + max(delay_ms) AS from_ms,
    max(least(until_ms + delay_ms, parted_ms)) AS until_ms,
    max(delay_ms) AS delay_ms
FROM audible
WHERE met_ms <= until_ms AND parted_ms >= from_ms
GROUP BY source_id, seq, listener_id
