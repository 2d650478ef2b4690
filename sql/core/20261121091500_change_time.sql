-- migrate:up

-- Hints say when the change was made, so that its way from commit to client can be measured. The rest of the function is
-- as it was.
CREATE OR REPLACE FUNCTION prices_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
  changed_resolution text := TG_ARGV[0];
  bucket_width interval := TG_ARGV[1]::interval;
  payload text;
BEGIN
  IF NOT EXISTS (SELECT FROM changed) THEN RETURN NULL; END IF;
  PERFORM lock_series(ARRAY(SELECT DISTINCT ticker FROM changed), ARRAY[changed_resolution]);

  FOR payload IN
  WITH touched AS MATERIALIZED (
    SELECT ticker, min(time) AS first_time, max(time) AS last_time, count(*) AS bars FROM changed GROUP BY ticker
  ), raised AS MATERIALIZED (
    UPDATE series s SET revision = s.revision + 1
    FROM touched t WHERE s.ticker = t.ticker AND s.resolution = changed_resolution
    RETURNING s.ticker, s.revision
  ), folded AS (
    INSERT INTO series_changes AS sc (ticker, resolution, bucket, revision)
    SELECT b.ticker, changed_resolution, b.bucket, r.revision
    FROM (SELECT DISTINCT ticker, date_bin(bucket_width, time, timestamptz '2000-01-03 00:00:00Z') AS bucket FROM changed) b
    JOIN raised r USING (ticker)
    ON CONFLICT (ticker, resolution, bucket) DO UPDATE SET revision = excluded.revision
  ), inline AS (
    SELECT c.ticker, string_agg(json_build_array(extract(epoch FROM c.time)::bigint, c.open, c.high, c.low, c.close, c.volume)::text,
      ',' ORDER BY c.time) AS bars
    FROM changed c JOIN touched t USING (ticker) WHERE t.bars <= 40 GROUP BY c.ticker
  ), entry AS (
    SELECT ticker, CASE WHEN octet_length(i.bars) < 2700
      THEN format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"bars":[%s]}',
        to_json(ticker), changed_resolution, r.revision - 1, r.revision, i.bars)
      ELSE format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"from":%s,"to":%s}',
        to_json(ticker), changed_resolution, r.revision - 1, r.revision,
        extract(epoch FROM t.first_time)::bigint, extract(epoch FROM t.last_time)::bigint) END AS json
    FROM touched t JOIN raised r USING (ticker) LEFT JOIN inline i USING (ticker)
  ), packed AS (
    SELECT ticker, json,
      (sum(octet_length(json) + 1) OVER (ORDER BY ticker) - octet_length(json) - 1) / 4500 AS part
    FROM entry
  )
  SELECT format('{"epoch":"%s","committedAt":%s,"series":[%s]}', current_epoch(),
    round(extract(epoch FROM clock_timestamp()) * 1000), string_agg(json, ',' ORDER BY ticker))
  FROM packed GROUP BY floor(part)
  LOOP
    PERFORM pg_notify('tapecast_bars', payload);
  END LOOP;
  RETURN NULL;
END
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION prices_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
  changed_resolution text := TG_ARGV[0];
  bucket_width interval := TG_ARGV[1]::interval;
  payload text;
BEGIN
  IF NOT EXISTS (SELECT FROM changed) THEN RETURN NULL; END IF;
  PERFORM lock_series(ARRAY(SELECT DISTINCT ticker FROM changed), ARRAY[changed_resolution]);

  FOR payload IN
  WITH touched AS MATERIALIZED (
    SELECT ticker, min(time) AS first_time, max(time) AS last_time, count(*) AS bars FROM changed GROUP BY ticker
  ), raised AS MATERIALIZED (
    UPDATE series s SET revision = s.revision + 1
    FROM touched t WHERE s.ticker = t.ticker AND s.resolution = changed_resolution
    RETURNING s.ticker, s.revision
  ), folded AS (
    INSERT INTO series_changes AS sc (ticker, resolution, bucket, revision)
    SELECT b.ticker, changed_resolution, b.bucket, r.revision
    FROM (SELECT DISTINCT ticker, date_bin(bucket_width, time, timestamptz '2000-01-03 00:00:00Z') AS bucket FROM changed) b
    JOIN raised r USING (ticker)
    ON CONFLICT (ticker, resolution, bucket) DO UPDATE SET revision = excluded.revision
  ), inline AS (
    SELECT c.ticker, string_agg(json_build_array(extract(epoch FROM c.time)::bigint, c.open, c.high, c.low, c.close, c.volume)::text,
      ',' ORDER BY c.time) AS bars
    FROM changed c JOIN touched t USING (ticker) WHERE t.bars <= 40 GROUP BY c.ticker
  ), entry AS (
    SELECT ticker, CASE WHEN octet_length(i.bars) < 2700
      THEN format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"bars":[%s]}',
        to_json(ticker), changed_resolution, r.revision - 1, r.revision, i.bars)
      ELSE format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"from":%s,"to":%s}',
        to_json(ticker), changed_resolution, r.revision - 1, r.revision,
        extract(epoch FROM t.first_time)::bigint, extract(epoch FROM t.last_time)::bigint) END AS json
    FROM touched t JOIN raised r USING (ticker) LEFT JOIN inline i USING (ticker)
  ), packed AS (
    SELECT ticker, json,
      (sum(octet_length(json) + 1) OVER (ORDER BY ticker) - octet_length(json) - 1) / 4500 AS part
    FROM entry
  )
  SELECT format('{"epoch":"%s","series":[%s]}', current_epoch(), string_agg(json, ',' ORDER BY ticker))
  FROM packed GROUP BY floor(part)
  LOOP
    PERFORM pg_notify('tapecast_bars', payload);
  END LOOP;
  RETURN NULL;
END
$$;
