-- One row is one step of a channel in the dialplan. Identified by `seq`. Several models read it. `app_data` is kept
-- only for applications whose data they use. `app` is NULL if the step names an application that the channel is not
-- in. Two cases: a channel whose place in an application was transferred reports, as it ends, the transferee's former
-- step; a channel that comes back from a parking lot reports its own.
WITH strays AS (
    SELECT steps.seq
    FROM stg_dialplan_steps AS steps
    JOIN stg_transfers AS transfers
        ON transfers.transferer_second_channel_id = steps.channel_id AND transfers.seq < steps.seq
    WHERE transfers.destination_type = 'application'
    UNION
    SELECT steps.seq
    FROM int_bridge_events AS parked
    ASOF JOIN stg_dialplan_steps AS steps ON steps.channel_id = parked.channel_id AND parked.seq < steps.seq
    WHERE parked.bridge_class = 'parking' AND NOT parked.is_entry
)

SELECT
    steps.* EXCLUDE (dialplan_app, dialplan_app_data),
    CASE WHEN strays.seq IS NULL THEN dialplan_app END AS app,
    is_prompt(app) AS is_prompt,
    CASE WHEN is_prompt(app) OR app IN ('Page', 'Queue') THEN dialplan_app_data END AS app_data
FROM stg_dialplan_steps AS steps
LEFT JOIN strays USING (seq)
