-- One row is one bridge that a channel entered or left. Identified by `bridge_id`.
SELECT
    bridge_id,
    any_value(bridge_type) AS bridge_type,
    any_value(bridge_class) AS bridge_class,
    any_value(bridge_name) AS bridge_name
FROM int_bridge_events
GROUP BY bridge_id
