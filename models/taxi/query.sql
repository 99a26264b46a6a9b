-- As many days of trips as lie from @begin to @end, up to the last one that began before @end, as the columns of the shipped CSV.
-- Up to the last one, since the public table ends with 2023: a window counted back from today holds none of it.
-- BigQueryExampleGen knows INTEGER, FLOAT and STRING only.
WITH
  trips AS (SELECT * FROM `bigquery-public-data.chicago_taxi_trips.taxi_trips`),
  last_trip AS (SELECT MAX(trip_start_timestamp) AS start FROM trips WHERE trip_start_timestamp < @end)
SELECT
  CAST(pickup_community_area AS INT64) AS pickup_community_area,
  CAST(fare AS FLOAT64) AS fare,
  EXTRACT(MONTH FROM trip_start_timestamp) AS trip_start_month,
  EXTRACT(HOUR FROM trip_start_timestamp) AS trip_start_hour,
  EXTRACT(DAYOFWEEK FROM trip_start_timestamp) AS trip_start_day,
  UNIX_SECONDS(trip_start_timestamp) AS trip_start_timestamp,
  CAST(pickup_latitude AS FLOAT64) AS pickup_latitude,
  CAST(pickup_longitude AS FLOAT64) AS pickup_longitude,
  CAST(dropoff_latitude AS FLOAT64) AS dropoff_latitude,
  CAST(dropoff_longitude AS FLOAT64) AS dropoff_longitude,
  CAST(trip_miles AS FLOAT64) AS trip_miles,
  CAST(pickup_census_tract AS INT64) AS pickup_census_tract,
  CAST(dropoff_census_tract AS INT64) AS dropoff_census_tract,
  CAST(payment_type AS STRING) AS payment_type,
  CAST(company AS STRING) AS company,
  CAST(trip_seconds AS INT64) AS trip_seconds,
  CAST(dropoff_community_area AS INT64) AS dropoff_community_area,
  CAST(tips AS FLOAT64) AS tips
FROM trips, last_trip
WHERE trips.trip_start_timestamp <= last_trip.start
  AND trips.trip_start_timestamp > TIMESTAMP_SUB(last_trip.start, INTERVAL TIMESTAMP_DIFF(@end, @begin, DAY) DAY)
