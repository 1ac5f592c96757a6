-- The applications of ../leads.sql in Spark SQL.
SELECT DISTINCT
    CAST(`case:concept:name` AS BIGINT) AS lead_id,
    `case:REG_DATE` AS created_at,
    CAST(`case:AMOUNT_REQ` AS DOUBLE) AS amount_requested
FROM parquet.`{folder}/BPI_Challenge_2012.parquet`
