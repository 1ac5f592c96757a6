-- A "win" is a race that the driver did not finish (statusId other than 1). RelBench knows at a cutoff what happened
-- up to it, that time included; here it is strictly before, so times are moved by two microseconds.
SELECT r.driverId AS lead_id, 'won' AS outcome,
  CAST(a.date || ' ' || coalesce(a.time::VARCHAR, '00:00:00') AS TIMESTAMP) - INTERVAL 2 MICROSECOND AS closed_at
FROM read_csv('results.csv', nullstr = '\N') r
JOIN read_csv('races.csv', nullstr = '\N') a USING (raceId)
WHERE r.statusId <> 1
