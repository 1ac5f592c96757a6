-- What a driver, the team and the field did, one row per driver and race; "value" is a measure (a place, or 0 and 1).
-- RelBench knows at a cutoff what happened up to it, that time included; here it is strictly before: 1 microsecond less.
WITH races AS (
  SELECT raceId, circuitId, CAST(date || ' ' || coalesce(time::VARCHAR, '00:00:00') AS TIMESTAMP)
    - INTERVAL 1 MICROSECOND AS held_at
  FROM read_csv('races.csv', nullstr = '\N')
), results AS (
  SELECT r.raceId, r.driverId, r.constructorId, r.statusId, r.positionOrder AS place, r.points, held_at, circuitId,
    if(r.grid = 0, 24, r.grid) AS start, -- 0 is a start from the pit lane
    avg((statusId <> 1)::INT) OVER (PARTITION BY r.raceId) AS field_failed,
    avg((statusId <> 1)::INT) OVER (PARTITION BY r.raceId, r.constructorId) AS team_failed,
    avg(positionOrder) OVER (PARTITION BY r.raceId, r.constructorId) AS team_place
  FROM read_csv('results.csv', nullstr = '\N') r JOIN races USING (raceId)
), measured AS (
  UNPIVOT (
    SELECT driverId AS lead_id, held_at AS occurred_at, place::DOUBLE AS raced, start::DOUBLE AS started,
      points::DOUBLE AS scored, (statusId <> 1)::DOUBLE AS failed, field_failed::DOUBLE AS field_failed,
      team_failed::DOUBLE AS team_failed, team_place::DOUBLE AS team_raced, (place <= 3)::DOUBLE AS on_podium,
      (place < team_place)::DOUBLE AS beat_the_team
    FROM results
  ) ON raced, started, scored, failed, field_failed, team_failed, team_raced, on_podium, beat_the_team
    INTO NAME action VALUE value
)
SELECT * FROM measured
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at AS occurred_at, 'drove' AS action, 'circuit ' || circuitId AS content,
  'team ' || constructorId AS source FROM results
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at AS occurred_at,
  CASE WHEN statusId = 1 THEN 'finished' WHEN statusId BETWEEN 11 AND 19 THEN 'lapped'
    WHEN statusId IN (3, 4, 20) THEN 'accident' ELSE 'broke_down' END AS action FROM results
UNION ALL BY NAME
SELECT r.driverId AS lead_id, r.held_at AS occurred_at, 'team_mate_did_not_finish' AS action
FROM results r JOIN results m ON m.raceId = r.raceId AND m.constructorId = r.constructorId
  AND m.driverId <> r.driverId AND m.statusId <> 1
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at - INTERVAL 1 DAY AS occurred_at, 'qualified' AS action, position::DOUBLE AS value
FROM read_csv('qualifying.csv', nullstr = '\N') JOIN races USING (raceId)
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at - INTERVAL 1 DAY AS occurred_at, 'qualified_in_front' AS action,
  (position <= 3)::DOUBLE AS value
FROM read_csv('qualifying.csv', nullstr = '\N') JOIN races USING (raceId)
UNION ALL BY NAME
SELECT q.driverId AS lead_id, held_at - INTERVAL 1 DAY AS occurred_at, 'team_qualified' AS action,
  avg(q.position) OVER (PARTITION BY q.raceId, q.constructorId) AS value
FROM read_csv('qualifying.csv', nullstr = '\N') q JOIN races USING (raceId)
UNION ALL BY NAME
SELECT driverId AS lead_id, held_at AS occurred_at, 'stood' AS action, position::DOUBLE AS value
FROM read_csv('driver_standings.csv', nullstr = '\N') JOIN races USING (raceId)
UNION ALL BY NAME
SELECT r.driverId AS lead_id, r.held_at AS occurred_at, 'team_stood' AS action, any_value(s.position)::DOUBLE AS value
FROM results r JOIN read_csv('constructor_standings.csv', nullstr = '\N') s USING (raceId, constructorId)
GROUP BY r.driverId, r.held_at
