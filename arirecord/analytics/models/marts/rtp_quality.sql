-- One row is one direction of a channel's audio, with its network quality. Identified by `channel_id` and `direction`:
-- received by Asterisk, or sent by it, as the far end reported.
-- Asterisk counts lost packets until its last RTCP report, and received ones until the end.
WITH reports AS (
    SELECT
        *,
        -- A report falls due a little later each time: one due in the last 0.1 s was not sent.
        CASE
            WHEN direction = 'received' AND audio_ms > 0
            THEN param('rtcp_interval_s')
                * greatest(floor((audio_ms / 1000 - 0.1) / NULLIF(param('rtcp_interval_s'), 0)), 1)
        END AS last_report_s
    FROM int_rtp
),

estimated AS (
    SELECT
        *,
        lost_count * COALESCE(greatest(audio_ms / 1000 / NULLIF(last_report_s, 0), 1), 1) AS lost_until_end
    FROM reports
),

measured AS (
    SELECT
        *,
        lost_until_end > lost_count AS is_estimated,
        -- Lost packets are among the packets sent, but not among those received.
        lost_until_end / NULLIF(CASE WHEN direction = 'sent' THEN greatest(packet_count, lost_count)
            ELSE packet_count + lost_until_end END, 0) AS loss_ratio,
        -- From mouth to ear: half the round trip, a packet of 20 ms, a jitter buffer of twice the jitter.
        round_trip_ms / 2 + 20 + 2 * jitter_ms AS delay_ms,
        CASE WHEN delay_ms <= 100 THEN 0 ELSE log2(delay_ms / 100) END AS x
    FROM estimated
),

impaired AS (
    SELECT
        *,
        param('codec_ie') + (95 - param('codec_ie')) * loss_ratio * 100
            / (loss_ratio * 100 + param('codec_bpl')) AS equipment_impairment,
        25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2) AS delay_impairment
    FROM measured
),

rated AS (
    SELECT
        *,
        93.2 - equipment_impairment AS listening_r,
        CASE WHEN listening_r < delay_impairment THEN 0 ELSE listening_r - delay_impairment END AS r
    FROM impaired
)

SELECT
    rated.channel_id,
    calls.call_id,
    rated.direction,
    rated.reported_at,
    rated.packet_count,
    rated.lost_count,
    rated.loss_ratio,
    rated.is_estimated,
    rated.jitter_ms,
    rated.longest_jitter_ms,
    rated.round_trip_ms,
    rated.r AS r_factor,
    1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r) AS mos,
    1 + 0.035 * listening_r + 7e-6 * listening_r * (listening_r - 60) * (100 - listening_r) AS listening_mos,
    rated.last_seq
FROM rated
LEFT JOIN int_call_channels AS calls USING (channel_id)
