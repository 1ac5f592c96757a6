-- There are no events but the first contact itself; content is the page on which it was made.
SELECT
    contacts.mql_id AS lead_id,
    CAST(contacts.first_contact_date AS TIMESTAMP) AS occurred_at,
    'first_contact' AS action,
    contacts.landing_page_id AS content
FROM 'olist_marketing_qualified_leads_dataset.csv' AS contacts
LEFT JOIN 'olist_closed_deals_dataset.csv' AS won ON contacts.mql_id = won.mql_id
WHERE
    contacts.first_contact_date >= DATE '2018-01-01'
    AND (won.won_date IS NULL OR won.won_date >= contacts.first_contact_date)
