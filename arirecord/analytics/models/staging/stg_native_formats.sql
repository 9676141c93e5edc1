-- One row is one channel whose own format was requested: `GET /channels/ID/variable?variable=CHANNEL(audionativeformat)`,
-- by the recorder or by an application. Identified by `channel_id` and `seq`. `rate_hz`: samples a second.
WITH exchanges AS (
    SELECT
        seq,
        fields ->> 'rest_uri' AS uri,
        TRY_CAST(fields ->> 'rest_answer_body' AS JSON) ->> 'value' AS formats
    FROM (SELECT seq, TRY_CAST(raw AS JSON) AS fields FROM other_rows WHERE kind = 'rest' AND type = 'GET')
    WHERE url_decode(uri) ILIKE '%variable=CHANNEL(audionativeformat)%'
)

SELECT
    seq,
    channel_key(url_decode(regexp_extract(uri, '(?:^|/)channels/([^/?]+)/variable\?', 1)), seq) AS channel_id,
    native_rate(formats) AS rate_hz
FROM exchanges
WHERE rate_hz IS NOT NULL
