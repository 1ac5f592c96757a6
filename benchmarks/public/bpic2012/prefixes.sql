-- The first 1 to 40 events of each case whose last offer was accepted, cancelled or declined (4,685 cases). A prefix ends
-- just after its last event: cutoff. is_open: it ends a second or more before the outcome. is_test: the last fifth of the cases by their start;
-- of the others, events after the first test case's start are left out (the published split).
WITH log AS (
    SELECT
        CAST("case:concept:name" AS BIGINT) AS lead_id, "concept:name" AS name,
        CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS done_at
    FROM 'BPI_Challenge_2012.parquet'
), cases AS (
    SELECT
        lead_id, min(done_at) AS started_at, arg_max(name, done_at) FILTER (name LIKE 'O\_%' ESCAPE '\') AS outcome,
        least(max(done_at) FILTER (name LIKE 'O\_%' ESCAPE '\'),
              min(done_at) FILTER (name IN ('A_APPROVED', 'A_REGISTERED', 'A_ACTIVATED', 'A_DECLINED', 'A_CANCELLED')))
            AS decided_at
    FROM log GROUP BY lead_id
    HAVING outcome IN ('O_ACCEPTED', 'O_CANCELLED', 'O_DECLINED')
), split AS (
    SELECT *, row_number() OVER (ORDER BY started_at, lead_id) > floor(0.8 * count(*) OVER ()) AS is_test FROM cases
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY lead_id ORDER BY done_at, name) AS length
    FROM log JOIN split USING (lead_id)
)
SELECT lead_id, done_at + INTERVAL 1 MICROSECOND AS cutoff, max(length) AS length, any_value(is_test) AS is_test,
    any_value(outcome) AS outcome, done_at < any_value(decided_at) - INTERVAL 1 SECOND AS is_open
FROM numbered
WHERE length <= 40 AND (is_test OR done_at < (SELECT min(started_at) FROM split WHERE is_test))
GROUP BY lead_id, done_at ORDER BY cutoff, lead_id
