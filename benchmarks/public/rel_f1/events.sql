WITH races AS (
  SELECT raceId, year, CAST(date || ' ' || coalesce(time::VARCHAR, '00:00:00') AS TIMESTAMP)
    - INTERVAL 1 MICROSECOND AS held_at, circuitId
  FROM read_csv('races.csv', nullstr = '\N')
), results AS (
  SELECT r.*, a.held_at, a.circuitId FROM read_csv('results.csv', nullstr = '\N') r JOIN races a USING (raceId)
)
SELECT driverId AS lead_id, held_at AS occurred_at, 'raced' AS action, 'circuit ' || circuitId AS content,
  'team ' || constructorId AS source, positionOrder::DOUBLE AS value FROM results
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at AS occurred_at,
  CASE WHEN statusId = 1 THEN 'finished' WHEN statusId BETWEEN 11 AND 19 THEN 'lapped'
    WHEN statusId IN (3, 4, 20) THEN 'accident' ELSE 'broke_down' END AS action FROM results
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at AS occurred_at, CASE WHEN grid BETWEEN 1 AND 6 THEN 'started_in_front'
  WHEN grid BETWEEN 7 AND 14 THEN 'started_in_the_middle' ELSE 'started_at_the_back' END AS action FROM results
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at AS occurred_at, 'scored_points' AS action, points::DOUBLE AS value
FROM results WHERE points > 0
UNION ALL BY NAME
SELECT r.driverId AS lead_id, r.held_at AS occurred_at,
  CASE WHEN m.statusId = 1 THEN 'team_mate_finished' ELSE 'team_mate_did_not_finish' END AS action
FROM results r JOIN results m ON m.raceId = r.raceId AND m.constructorId = r.constructorId
  AND m.driverId <> r.driverId
UNION ALL BY NAME
SELECT q.driverId AS lead_id, r.held_at - INTERVAL 1 DAY AS occurred_at,
  CASE WHEN q.position <= 6 THEN 'qualified_in_front' WHEN q.position <= 14 THEN 'qualified_in_the_middle'
    ELSE 'qualified_at_the_back' END AS action, q.position::DOUBLE AS value
FROM read_csv('qualifying.csv', nullstr = '\N') q JOIN races r USING (raceId)
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at - INTERVAL 30 DAY AS occurred_at, 'entered' AS action FROM results
UNION ALL BY NAME
SELECT r.driverId AS lead_id, r.held_at AS occurred_at,
  'field_' || (10 * avg((m.statusId = 1)::INT))::INT // 2 AS action
FROM results r JOIN results m USING (raceId) GROUP BY ALL
