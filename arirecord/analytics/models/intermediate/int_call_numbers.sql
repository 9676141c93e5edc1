-- One row is one phone number that occurs in a call: of a caller, connected or dialled, of any of its channels.
-- Identified by `call_id` and `number`. `number_key` is the form in which two numbers are compared.
SELECT DISTINCT call_id, number, number_key(number) AS number_key
FROM (
    SELECT
        legs.call_id,
        unnest([
            facts.caller_number, facts.last_caller_number, facts.connected_number, facts.last_connected_number,
            facts.exten, facts.last_exten
        ]) AS number
    FROM int_legs AS legs
    JOIN int_channel_facts AS facts USING (channel_id)
)
WHERE number <> ''
