-- One row is one event type that one application received, with the number and the mean size of its events. Identified
-- by `application` and `type`.
FROM event_sizes
