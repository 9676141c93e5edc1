-- One row is one channel and the call that it belongs to. Identified by `channel_id`.
-- A recorded linkedid decides. Otherwise a call is a connected component of `int_links`, named by its earliest
-- channel. A shared conference room does not link calls, neither here nor in Asterisk.
WITH RECURSIVE nodes AS MATERIALIZED (
    SELECT channel_id, linkedid, made, first_seq, row_number() OVER (ORDER BY first_seq, channel_id) AS node
    FROM (
        SELECT channel_id, linkedid, (made_seq, created_at, first_seq) AS made, first_seq
        FROM int_channel_facts
        WHERE technology IS DISTINCT FROM 'Message'
        UNION ALL
        -- Known only from a bridge's list: it links others, but has no row in the result.
        SELECT other_id, NULL, NULL, NULL FROM int_links
        WHERE other_id NOT IN (SELECT channel_id FROM int_channel_facts)
        GROUP BY other_id
    )
),

edges AS MATERIALIZED (
    SELECT unnest([one.node, two.node]) AS node, unnest([two.node, one.node]) AS other
    FROM (SELECT DISTINCT channel_id, other_id FROM int_links WHERE reason <> 'conference') AS links
    JOIN nodes AS one ON one.channel_id = links.channel_id
    JOIN nodes AS two ON two.channel_id = links.other_id
    WHERE one.linkedid IS NULL OR two.linkedid IS NULL
),

-- Each node takes the smallest label around it, and its label's label: the number of rounds grows with the logarithm
-- of a chain's length, not with the length (FastSV, Zhang, Azad and Hu 2020).
labels (node, label) USING KEY (node) AS (
    SELECT node, node FROM nodes
    UNION
    SELECT candidates.node, min(candidates.label)
    FROM (
        SELECT unnest([edges.node, mine.label]) AS node, their.label AS label
        FROM edges
        JOIN recurring.labels AS mine ON mine.node = edges.node
        JOIN recurring.labels AS their ON their.node = edges.other
        UNION ALL
        SELECT mine.node, above.label
        FROM recurring.labels AS mine
        JOIN recurring.labels AS above ON above.node = mine.label
    ) AS candidates
    JOIN recurring.labels AS current_labels ON current_labels.node = candidates.node
    WHERE candidates.label < current_labels.label
    GROUP BY candidates.node
)

SELECT
    nodes.channel_id,
    COALESCE(
        nodes.linkedid,
        first_value(nodes.linkedid IGNORE NULLS) OVER component,
        first_value(nodes.channel_id) OVER component
    ) AS call_id
FROM nodes
JOIN labels ON labels.node = nodes.node
WINDOW component AS (
    PARTITION BY labels.label ORDER BY nodes.made NULLS LAST, nodes.node
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
)
QUALIFY nodes.first_seq IS NOT NULL
