-- The leads of examples/olist with the page of their first contact, which is as well known then.
SELECT
    contacts.mql_id AS lead_id,
    CAST(contacts.first_contact_date AS TIMESTAMP) AS created_at,
    coalesce(contacts.origin, 'not recorded') AS source,
    contacts.landing_page_id AS landing_page
FROM 'olist_marketing_qualified_leads_dataset.csv' AS contacts
LEFT JOIN 'olist_closed_deals_dataset.csv' AS won ON contacts.mql_id = won.mql_id
WHERE
    contacts.first_contact_date >= DATE '2018-01-01'
    AND (won.won_date IS NULL OR won.won_date >= contacts.first_contact_date)
