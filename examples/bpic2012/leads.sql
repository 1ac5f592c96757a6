-- One row per loan application. The amount is what the applicant asked for on the web form,
-- known at creation. CAST to TIMESTAMP alone would drop the offset: go through TIMESTAMPTZ.
SELECT DISTINCT
    CAST("case:concept:name" AS BIGINT) AS lead_id,
    CAST("case:REG_DATE" AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS created_at,
    CAST("case:AMOUNT_REQ" AS DOUBLE) AS amount_requested
FROM 'BPI_Challenge_2012.parquet'
