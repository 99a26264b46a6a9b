-- The rides that began in [@begin, @end), from a table that others fill.
SELECT
  trip_start_timestamp,
  trip_start_hour,
  fare,
  tips,
  trip_miles,
  trip_seconds,
  payment_type,
  company,
  pickup_census_tract
FROM `mill-public.rides.rides` AS ride
WHERE TIMESTAMP_SECONDS(ride.trip_start_timestamp) >= @begin
  AND TIMESTAMP_SECONDS(ride.trip_start_timestamp) < @end
