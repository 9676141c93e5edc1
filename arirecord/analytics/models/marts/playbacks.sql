-- One row is one playback: media that a request asked ARI to play to a channel or a bridge. Identified by
-- `playback_id` and `first_seq`.
SELECT
    plays.playback_id,
    COALESCE(calls.call_id, bridges.call_id) AS call_id,
    plays.channel_id,
    plays.bridge_id,
    plays.target_uri,
    plays.media_uris,
    len(plays.media_uris) AS media_count,
    plays.restart_count,
    plays.language,
    plays.started_at,
    plays.ended_at,
    seconds_between(plays.started_at, plays.ended_at) AS duration_s,
    plays.state,
    plays.is_receipt_time,
    plays.is_complete,
    plays.first_seq,
    plays.last_seq
FROM int_playbacks AS plays
LEFT JOIN int_call_channels AS calls ON calls.channel_id = plays.channel_id
ASOF LEFT JOIN int_bridge_calls AS bridges ON bridges.bridge_id = plays.bridge_id AND bridges.seq <= plays.first_seq
