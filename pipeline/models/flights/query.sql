-- The flights that were to leave in [@begin, @end), as the columns of the CSV, from the table that the caller puts for @table.
-- BigQueryExampleGen knows INTEGER, FLOAT and STRING only.
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
  FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', TIMESTAMP(flight_row.time_hour)) AS time_hour
FROM `@table` AS flight_row
WHERE TIMESTAMP(flight_row.time_hour) >= @begin AND TIMESTAMP(flight_row.time_hour) < @end
