-- One row per event, in English. What is not named in the list below is left out: the outcome
-- itself, and rows that say nothing new (README.md, "What is left out", has the figures).
-- content is who did it: a member of staff, or 112, the system; NULL where the log has none.
WITH names (name, lifecycle, action) AS (
    VALUES
        ('A_SUBMITTED', 'COMPLETE', 'submitted_application'),
        ('A_PREACCEPTED', 'COMPLETE', 'passed_first_check'),
        ('A_ACCEPTED', 'COMPLETE', 'passed_assessment'),
        ('A_FINALIZED', 'COMPLETE', 'completed_application'),
        ('O_SENT', 'COMPLETE', 'offer_sent'),
        ('O_SENT_BACK', 'COMPLETE', 'offer_sent_back'),
        ('W_Afhandelen leads', 'COMPLETE', 'called_lead'),
        ('W_Completeren aanvraag', 'COMPLETE', 'called_to_complete'),
        ('W_Nabellen offertes', 'COMPLETE', 'called_after_offer'),
        ('W_Valideren aanvraag', 'SCHEDULE', 'validation_planned'),
        ('W_Valideren aanvraag', 'COMPLETE', 'validated_papers'),
        ('W_Nabellen incomplete dossiers', 'SCHEDULE', 'papers_found_missing'),
        ('W_Nabellen incomplete dossiers', 'COMPLETE', 'called_for_papers'),
        ('W_Beoordelen fraude', 'SCHEDULE', 'fraud_check_planned'),
        ('W_Beoordelen fraude', 'COMPLETE', 'fraud_checked')
)

SELECT
    CAST(log."case:concept:name" AS BIGINT) AS lead_id,
    CAST(log."time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS occurred_at,
    names.action,
    log."org:resource" AS content
FROM 'BPI_Challenge_2012.parquet' AS log
INNER JOIN names
    ON log."concept:name" = names.name AND log."lifecycle:transition" = names.lifecycle
