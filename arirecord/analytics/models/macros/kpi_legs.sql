-- One row is one leg with the group that it counts in. Identified by
-- `server` and `channel_id`.
-- `by` is trunk, prefix, application, endpoint, origin (endpoint of the call's first leg),
-- server or NULL: all in one group.
SELECT
    *,
    CASE
        WHEN "by" IS NULL THEN NULL
        WHEN "by" = 'trunk' THEN CASE WHEN endpoint GLOB param_text('trunks') THEN endpoint END
        WHEN "by" = 'endpoint' THEN endpoint
        WHEN "by" = 'origin' THEN origin
        WHEN "by" = 'application' THEN application
        WHEN "by" = 'server' THEN server
        WHEN "by" = 'prefix' THEN left(destination, param('prefix_digits')::BIGINT)
        ELSE error('KPIs go by trunk, prefix, application, endpoint, origin or server, not by ' || "by")
    END AS group_value
FROM int_kpi_legs
