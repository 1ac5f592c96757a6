-- RelBench's rows of driver-dnf, every 30 days: who races in (cutoff, cutoff + 30 days], and whether he does not finish
-- one of the races (statusId other than 1). No cutoff lies before the first race or in the years after the test.
WITH races AS (
  SELECT raceId, CAST(date || ' ' || coalesce(time::VARCHAR, '00:00:00') AS TIMESTAMP) AS held_at
  FROM read_csv('races.csv', nullstr = '\N')
), cutoffs AS (
  FROM cutoffs WHERE cutoff >= (SELECT min(held_at) FROM races)
)
SELECT driverId AS lead_id, cutoff, max((statusId <> 1)::INT) AS won
FROM read_csv('results.csv', nullstr = '\N') JOIN races USING (raceId)
JOIN cutoffs ON held_at > cutoff AND held_at <= cutoff + INTERVAL 30 DAY
GROUP BY ALL ORDER BY cutoff, lead_id
