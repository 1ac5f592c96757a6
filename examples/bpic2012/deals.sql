-- One row per decided application; the undecided are absent, which means still open.
-- Approved, registered and activated are logged within a second of one another: the first counts.
SELECT
    CAST("case:concept:name" AS BIGINT) AS lead_id,
    min(CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC') AS closed_at,
    CASE
        WHEN bool_or("concept:name" IN ('A_APPROVED', 'A_REGISTERED', 'A_ACTIVATED')) THEN 'won'
        ELSE 'lost'
    END AS outcome,
    min(CAST("case:REG_DATE" AS TIMESTAMPTZ) AT TIME ZONE 'UTC') AS opened_at,
    min(CAST("case:AMOUNT_REQ" AS DOUBLE)) AS amount
FROM 'BPI_Challenge_2012.parquet'
WHERE "concept:name" IN (
    'A_APPROVED', 'A_REGISTERED', 'A_ACTIVATED', 'A_DECLINED', 'A_CANCELLED'
)
GROUP BY lead_id
