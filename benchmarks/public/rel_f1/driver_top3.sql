-- RelBench's rows of driver-top3: who qualifies in (cutoff, cutoff + 30 days], and whether the best place is 3 or better.
-- Qualifying counts one day before the race.
WITH races AS (
  SELECT raceId, CAST(date || ' ' || coalesce(time::VARCHAR, '00:00:00') AS TIMESTAMP) AS held_at
  FROM read_csv('races.csv', nullstr = '\N')
)
SELECT driverId AS lead_id, cutoff, (min(position) <= 3)::INT AS won
FROM read_csv('qualifying.csv', nullstr = '\N') JOIN races USING (raceId)
JOIN cutoffs ON held_at - INTERVAL 1 DAY > cutoff AND held_at - INTERVAL 1 DAY <= cutoff + INTERVAL 30 DAY
GROUP BY ALL ORDER BY cutoff, lead_id
