-- The events of ../events.sql in Spark SQL. Times are text with their offset: they are left as they
-- are, and read as the contract reads them. {folder} is tables.folder.
WITH names AS (
    SELECT * FROM VALUES
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
    AS names (name, lifecycle, action)
)

SELECT
    CAST(log.`case:concept:name` AS BIGINT) AS lead_id,
    log.`time:timestamp` AS occurred_at,
    names.action,
    log.`org:resource` AS content
FROM parquet.`{folder}/BPI_Challenge_2012.parquet` AS log
INNER JOIN names
    ON log.`concept:name` = names.name AND log.`lifecycle:transition` = names.lifecycle
