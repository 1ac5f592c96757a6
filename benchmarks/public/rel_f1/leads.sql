-- One row per driver, known from birth on: the first race would tell, before it comes, that it comes.
SELECT driverId AS lead_id, CAST(dob AS TIMESTAMP) AS created_at, nationality
FROM read_csv('drivers.csv', nullstr = '\N')
