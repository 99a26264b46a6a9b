-- The crossings that began in [@begin, @end), from the table that `make load-data` fills.
WITH
  crossings AS (SELECT *, TIMESTAMP(time_hour) AS leaving FROM @table)
SELECT
  year, month, day, time_hour, dep_time, crossing_minutes, delay, ship, harbour
FROM crossings
WHERE leaving >= @begin AND leaving < @end
