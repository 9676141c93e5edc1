-- One row is one event type that one application received, as in `stg_event_sizes`. Identified by `application` and
-- `type`.
FROM stg_event_sizes
