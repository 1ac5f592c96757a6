-- One row per qualified lead of 2018, known by the day of its first contact. Those of 2017 are left
-- out: they convert at 0 to 4 %, and no deal is recorded before December 2017. So is the one lead
-- that was won before its first contact.
SELECT
    contacts.mql_id AS lead_id,
    CAST(contacts.first_contact_date AS TIMESTAMP) AS created_at,
    coalesce(contacts.origin, 'not recorded') AS source
FROM 'olist_marketing_qualified_leads_dataset.csv' AS contacts
LEFT JOIN 'olist_closed_deals_dataset.csv' AS won ON contacts.mql_id = won.mql_id
WHERE
    contacts.first_contact_date >= DATE '2018-01-01'
    AND (won.won_date IS NULL OR won.won_date >= contacts.first_contact_date)
