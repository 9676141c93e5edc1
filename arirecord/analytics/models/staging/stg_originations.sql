-- One row is one REST exchange by which a client made a channel. Identified by `seq`. `is_external_media`: for a program.
-- Its parameters are in the query or in a JSON body. A tap records such exchanges; a recording of a WebSocket that
-- carries the app's requests has their responses.
WITH exchanges AS (
    SELECT
        seq,
        fields ->> 'rest_uri' AS uri,
        TRY_CAST(fields ->> 'rest_request_body' AS JSON) AS body,
        TRY_CAST(fields ->> 'rest_answer_body' AS JSON) AS answer
    FROM (SELECT seq, TRY_CAST(raw AS JSON) AS fields FROM other_rows WHERE kind = 'rest' AND type = 'POST')
    UNION ALL
    SELECT seq, uri, NULL, TRY_CAST(message_body AS JSON)
    FROM RESTResponse
),

asked AS (
    SELECT
        *,
        regexp_extract(uri, '(?:^|/)channels(?:/([^/?]+))?(?:\?|$)', 1) AS path_id,
        '&' || replace(split_part(uri, '?', 2), '+', ' ') AS query
    FROM exchanges
    WHERE regexp_matches(uri, '(^|/)channels(/[^/?]+)?(\?|$)')
),

named AS (
    SELECT
        seq,
        path_id = 'externalMedia' AS is_external_media,
        COALESCE(
            answer ->> 'id',
            CASE WHEN path_id NOT IN ('', 'create', 'externalMedia') THEN url_decode(path_id) END,
            NULLIF(url_decode(regexp_extract(query, '&channelId=([^&]*)', 1)), ''),
            body ->> 'channelId'
        ) AS channel_id,
        COALESCE(NULLIF(url_decode(regexp_extract(query, '&originator=([^&]*)', 1)), ''), body ->> 'originator')
            AS originator_channel_id,
        COALESCE(NULLIF(url_decode(regexp_extract(query, '&otherChannelId=([^&]*)', 1)), ''), body ->> 'otherChannelId')
            AS other_channel_id
    FROM asked
)

SELECT
    seq,
    is_external_media,
    channel_key(channel_id, seq) AS channel_id,
    channel_key(originator_channel_id, seq) AS originator_channel_id,
    channel_key(other_channel_id, seq) AS other_channel_id
FROM named
