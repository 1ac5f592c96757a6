-- The decided applications of ../deals.sql in Spark SQL. TIMESTAMP is an instant there, whatever
-- the time zone of the session; the contract makes it UTC.
SELECT
    CAST(`case:concept:name` AS BIGINT) AS lead_id,
    min(CAST(`time:timestamp` AS TIMESTAMP)) AS closed_at,
    CASE
        WHEN bool_or(`concept:name` IN ('A_APPROVED', 'A_REGISTERED', 'A_ACTIVATED')) THEN 'won'
        ELSE 'lost'
    END AS outcome,
    min(CAST(`case:REG_DATE` AS TIMESTAMP)) AS opened_at,
    min(CAST(`case:AMOUNT_REQ` AS DOUBLE)) AS amount
FROM parquet.`{folder}/BPI_Challenge_2012.parquet`
WHERE `concept:name` IN (
    'A_APPROVED', 'A_REGISTERED', 'A_ACTIVATED', 'A_DECLINED', 'A_CANCELLED'
)
GROUP BY `case:concept:name`
