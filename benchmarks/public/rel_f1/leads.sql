-- One row per driver; a driver is known from a day before the first race on.
SELECT r.driverId AS lead_id, min(CAST(a.date AS TIMESTAMP)) - INTERVAL 31 DAY AS created_at
FROM read_csv('results.csv', nullstr = '\N') r
JOIN read_csv('races.csv', nullstr = '\N') a USING (raceId)
GROUP BY r.driverId
