-- One row per application, known a moment before its first event.
SELECT
    CAST("case:concept:name" AS BIGINT) AS lead_id,
    min(CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC') - INTERVAL 1 SECOND AS created_at,
    min(CAST("case:AMOUNT_REQ" AS DOUBLE)) AS amount_requested
FROM 'BPI_Challenge_2012.parquet'
GROUP BY lead_id
