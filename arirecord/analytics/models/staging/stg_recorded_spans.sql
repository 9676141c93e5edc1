-- One row is one interval in which the recorder was connected, by its clock. Identified by `begin_at`.
SELECT begin_at, end_at
FROM recorded_spans
