-- One row per lead that was won; no lead is ever recorded as lost, so the others are still open.
-- The further columns of the file exist for won leads alone: each would tell the outcome.
SELECT
    won.mql_id AS lead_id,
    CAST(won.won_date AS TIMESTAMP) AS closed_at,
    'won' AS outcome
FROM 'olist_closed_deals_dataset.csv' AS won
INNER JOIN 'olist_marketing_qualified_leads_dataset.csv' AS contacts ON won.mql_id = contacts.mql_id
WHERE
    contacts.first_contact_date >= DATE '2018-01-01'
    AND won.won_date >= contacts.first_contact_date
