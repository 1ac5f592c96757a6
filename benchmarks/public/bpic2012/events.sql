-- Every event of the log as it is, the outcome too: who asks for a prefix says where it ends (prefixes.sql).
SELECT
    CAST("case:concept:name" AS BIGINT) AS lead_id,
    CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS occurred_at,
    "concept:name" || ' ' || "lifecycle:transition" AS action,
    "org:resource" AS content
FROM 'BPI_Challenge_2012.parquet'
