-- One row is one call with a media leg: the time in which other parties than media legs talked. Identified by `call_id`
-- and `server`.
SELECT DISTINCT legs.call_id, this_server() AS server, COALESCE(times.people_ms, 0) AS talk_ms
FROM int_legs AS legs
LEFT JOIN int_call_times AS times USING (call_id)
WHERE legs.role = 'media'
