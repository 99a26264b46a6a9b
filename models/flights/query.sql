-- As many days of flights as lie from @begin to @end, up to the last one that was to leave before @end, as the columns of the CSV.
-- Up to the last one, since the table that `make load-data` fills ends with 2013: a window counted back from today holds none of it.
-- BigQueryExampleGen knows INTEGER, FLOAT and STRING only.
WITH
  flights AS (SELECT *, TIMESTAMP(time_hour) AS leaving FROM @table),
  last_flight AS (SELECT MAX(leaving) AS leaving FROM flights WHERE leaving < @end)
SELECT
  CAST(year AS INT64) AS year,
  CAST(month AS INT64) AS month,
  CAST(day AS INT64) AS day,
  CAST(dep_time AS INT64) AS dep_time,
  CAST(sched_dep_time AS INT64) AS sched_dep_time,
  CAST(dep_delay AS INT64) AS dep_delay,
  CAST(arr_time AS INT64) AS arr_time,
  CAST(sched_arr_time AS INT64) AS sched_arr_time,
  CAST(arr_delay AS INT64) AS arr_delay,
  CAST(carrier AS STRING) AS carrier,
  CAST(flight AS INT64) AS flight,
  CAST(tailnum AS STRING) AS tailnum,
  CAST(origin AS STRING) AS origin,
  CAST(dest AS STRING) AS dest,
  CAST(air_time AS INT64) AS air_time,
  CAST(distance AS INT64) AS distance,
  CAST(hour AS INT64) AS hour,
  CAST(minute AS INT64) AS minute,
  FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', flights.leaving) AS time_hour
FROM flights, last_flight
WHERE flights.leaving <= last_flight.leaving
  AND flights.leaving > TIMESTAMP_SUB(last_flight.leaving, INTERVAL TIMESTAMP_DIFF(@end, @begin, DAY) DAY)
