-- The trips that began in [@begin, @end), as the columns of the shipped CSV. BigQueryExampleGen knows INTEGER, FLOAT and STRING only.
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
FROM `bigquery-public-data.chicago_taxi_trips.taxi_trips` AS trip
WHERE trip.trip_start_timestamp >= @begin AND trip.trip_start_timestamp < @end
