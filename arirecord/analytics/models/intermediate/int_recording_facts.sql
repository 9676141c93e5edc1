-- One row is one server, identified by its schema: the time of the last event of a channel, and what its recording has.
SELECT
    (SELECT max(event_at) FROM stg_channel_events) AS ended_at,
    EXISTS (FROM int_dials) AS has_dials,
    EXISTS (FROM stg_requests) AS has_requests
