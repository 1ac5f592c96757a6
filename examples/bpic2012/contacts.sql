-- Whom the bank's staff worked, and when: they began a call after an offer, for missing papers, or
-- on a lead. The log does not say whether they thought the lead worth it (accepted stays empty).
SELECT DISTINCT
    CAST("case:concept:name" AS BIGINT) AS lead_id,
    CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS contacted_at,
    "org:resource" AS by
FROM 'BPI_Challenge_2012.parquet'
WHERE
    "lifecycle:transition" = 'START'
    AND "concept:name" IN (
        'W_Nabellen offertes', 'W_Nabellen incomplete dossiers', 'W_Afhandelen leads'
    )
