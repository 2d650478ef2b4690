-- migrate:up

-- Plain PostgreSQL gets TimescaleDB's time_bucket(), first() and last(), with the same origins, so that the same SQL
-- runs on both. They stand in public, where the extension would put its own: never both.
DO $define$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN RETURN; END IF;

  CREATE FUNCTION public.time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT CASE
      WHEN extract(year FROM bucket_width) = 0 AND extract(month FROM bucket_width) = 0
        THEN date_bin(bucket_width, ts, timestamptz '2000-01-03 00:00:00Z')
      ELSE (timestamp '2000-01-01' + make_interval(months => (
        floor(((extract(year FROM ts AT TIME ZONE 'UTC') - 2000) * 12 + extract(month FROM ts AT TIME ZONE 'UTC') - 1)
          / (extract(year FROM bucket_width) * 12 + extract(month FROM bucket_width)))
        * (extract(year FROM bucket_width) * 12 + extract(month FROM bucket_width)))::integer)) AT TIME ZONE 'UTC'
    END
  $$;

  CREATE FUNCTION public.time_bucket(bucket_width interval, ts timestamptz, timezone text) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT (public.time_bucket(bucket_width, (ts AT TIME ZONE timezone) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')
      AT TIME ZONE timezone
  $$;

  CREATE FUNCTION public.time_bucket(bucket_width interval, ts date) RETURNS date
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT (public.time_bucket(bucket_width, ts::timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')::date
  $$;

  -- The state is [order as epoch seconds, value]. Microseconds survive in a double until the year 2255.
  CREATE FUNCTION public.tapecast_keep_first(state double precision[], value double precision, ordering timestamptz)
  RETURNS double precision[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
      WHEN ordering IS NULL OR state[1] <= extract(epoch FROM ordering)::double precision THEN state
      ELSE ARRAY[extract(epoch FROM ordering)::double precision, value]
    END
  $$;
  CREATE FUNCTION public.tapecast_keep_last(state double precision[], value double precision, ordering timestamptz)
  RETURNS double precision[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
      WHEN ordering IS NULL OR state[1] >= extract(epoch FROM ordering)::double precision THEN state
      ELSE ARRAY[extract(epoch FROM ordering)::double precision, value]
    END
  $$;
  CREATE FUNCTION public.tapecast_kept_value(state double precision[]) RETURNS double precision
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$ SELECT state[2] $$;

  CREATE AGGREGATE public.first(double precision, timestamptz) (
    SFUNC = public.tapecast_keep_first, STYPE = double precision[], FINALFUNC = public.tapecast_kept_value, PARALLEL = SAFE);
  CREATE AGGREGATE public.last(double precision, timestamptz) (
    SFUNC = public.tapecast_keep_last, STYPE = double precision[], FINALFUNC = public.tapecast_kept_value, PARALLEL = SAFE);
END
$define$;

-- migrate:down

DROP AGGREGATE IF EXISTS public.first(double precision, timestamptz);
DROP AGGREGATE IF EXISTS public.last(double precision, timestamptz);
DROP FUNCTION IF EXISTS public.tapecast_keep_first(double precision[], double precision, timestamptz);
DROP FUNCTION IF EXISTS public.tapecast_keep_last(double precision[], double precision, timestamptz);
DROP FUNCTION IF EXISTS public.tapecast_kept_value(double precision[]);
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN RETURN; END IF;
  DROP FUNCTION IF EXISTS public.time_bucket(interval, date);
  DROP FUNCTION IF EXISTS public.time_bucket(interval, timestamptz, text);
  DROP FUNCTION IF EXISTS public.time_bucket(interval, timestamptz);
END
$$;
