-- The label of a whole case, known at its end, as in prediction over prefixes that are not cut at the outcome: the offer's
-- last state. What the audit says of it is a part of the result.
SELECT
    CAST("case:concept:name" AS BIGINT) AS lead_id,
    max(CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC') + INTERVAL 1 SECOND AS closed_at,
    if(arg_max("concept:name", "time:timestamp") FILTER ("concept:name" LIKE 'O\_%' ESCAPE '\') = 'O_ACCEPTED',
       'won', 'lost') AS outcome
FROM 'BPI_Challenge_2012.parquet'
GROUP BY lead_id
HAVING arg_max("concept:name", "time:timestamp") FILTER ("concept:name" LIKE 'O\_%' ESCAPE '\')
    IN ('O_ACCEPTED', 'O_CANCELLED', 'O_DECLINED')
