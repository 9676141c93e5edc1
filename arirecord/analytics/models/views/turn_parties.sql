-- One row is one leg of a call, with who speaks there. Identified by `channel_id`.
-- `speaker`: agent (a media leg, or an endpoint that the parameter `agent_endpoints` names), caller (who came in or,
-- in a call that begins with a dialled channel, that one), human (any other party).
WITH legs_of_calls AS (
    SELECT
        call_id,
        channel_id,
        role,
        CASE
            WHEN role = 'media' OR endpoint GLOB param_text('agent_endpoints') THEN 'agent'
            WHEN role = 'caller' OR is_first THEN 'caller'
            ELSE 'human'
        END AS speaker
    FROM int_legs
    WHERE role IS DISTINCT FROM 'helper'
)

-- An agent that calls is the call's first channel: then it serves the other parties.
SELECT
    * REPLACE (
        CASE WHEN speaker = 'human' AND NOT bool_or(speaker = 'caller') OVER of_call THEN 'caller' ELSE speaker END
            AS speaker
    ),
    bool_or(speaker = 'agent') OVER of_call AS has_agent
FROM legs_of_calls
WINDOW of_call AS (PARTITION BY call_id)
