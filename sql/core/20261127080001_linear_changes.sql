-- migrate:up

-- A statement that touches n series has to cost n, whatever the planner believes. It used to believe the statistics of a time
-- when there were a dozen series, or kept a plan of that time: then thousands of new series in one statement were joined row by row
-- with each other. So nothing is joined here but `series`, by its index, and the rest is grouped.
-- `enable_seqscan` is off for that; `jit`, because the planner takes what little is scanned nevertheless for very expensive.

CREATE OR REPLACE FUNCTION lock_series(tickers text[], resolutions text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
  INSERT INTO series (ticker, resolution)
  SELECT DISTINCT t, r FROM unnest(tickers) t CROSS JOIN unnest(resolutions) r
  ORDER BY 1, 2
  ON CONFLICT DO NOTHING;
  PERFORM FROM series s
  WHERE s.ticker = ANY (tickers) AND s.resolution = ANY (resolutions)
  ORDER BY s.ticker, s.resolution
  FOR NO KEY UPDATE;
END
$$;

-- Statement-level and set-based: raises each touched series once, folds the change into its buckets, and notifies.
-- A payload must stay below 8,000 bytes or the write itself fails: an entry of more than 3,000 bytes becomes a range,
-- and entries whose running length starts in the same 4,500 bytes travel together (4,500 + 3,000 + envelope).
-- Bars travel along where a statement has few of each series. `committedAt` is when the change was made, so that its way to the
-- clients can be measured.
CREATE OR REPLACE FUNCTION prices_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET extra_float_digits = 1
SET enable_seqscan = off SET jit = off AS $$
DECLARE
  changed_resolution text := TG_ARGV[0];
  bucket_width interval := TG_ARGV[1]::interval;
  tickers text[] := ARRAY(SELECT DISTINCT ticker FROM changed);
  few boolean;
  payload text;
BEGIN
  IF cardinality(tickers) = 0 THEN RETURN NULL; END IF;
  PERFORM lock_series(tickers, ARRAY[changed_resolution]);
  few := (SELECT count(*) FROM changed) <= 40 * cardinality(tickers);

  FOR payload IN
  WITH part AS (
    SELECT ticker, date_bin(bucket_width, time, timestamptz '2000-01-03 00:00:00Z') AS bucket,
      min(time) AS first_time, max(time) AS last_time, NULL::text AS bars
    FROM changed GROUP BY 1, 2
    UNION ALL
    SELECT ticker, NULL, NULL, NULL, string_agg(
      json_build_array(extract(epoch FROM time)::bigint, open, high, low, close, volume)::text, ',' ORDER BY time)
    FROM changed WHERE few GROUP BY ticker
  ), touched AS (
    SELECT ticker, min(first_time) AS first_time, max(last_time) AS last_time, max(bars) AS bars,
      array_agg(bucket) FILTER (WHERE bucket IS NOT NULL) AS buckets
    FROM part GROUP BY ticker
  ), raised AS MATERIALIZED (
    UPDATE series s SET revision = s.revision + 1
    FROM touched t WHERE s.ticker = t.ticker AND s.resolution = changed_resolution
    RETURNING s.ticker, s.revision, t.first_time, t.last_time, t.bars, t.buckets
  ), folded AS (
    INSERT INTO series_changes AS sc (ticker, resolution, bucket, revision)
    SELECT ticker, changed_resolution, unnest(buckets), revision FROM raised
    ON CONFLICT (ticker, resolution, bucket) DO UPDATE SET revision = excluded.revision
  ), entry AS (
    SELECT ticker, CASE WHEN octet_length(bars) < 2700
      THEN format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"bars":[%s]}',
        to_json(ticker), changed_resolution, revision - 1, revision, bars)
      ELSE format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"from":%s,"to":%s}',
        to_json(ticker), changed_resolution, revision - 1, revision,
        extract(epoch FROM first_time)::bigint, extract(epoch FROM last_time)::bigint) END AS json
    FROM raised
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

CREATE OR REPLACE FUNCTION lock_series(tickers text[], resolutions text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO series (ticker, resolution)
  SELECT DISTINCT t, r FROM unnest(tickers) t CROSS JOIN unnest(resolutions) r
  WHERE NOT EXISTS (SELECT FROM series s WHERE s.ticker = t AND s.resolution = r)
  ORDER BY 1, 2
  ON CONFLICT DO NOTHING;
  PERFORM FROM series s
  WHERE s.ticker = ANY (tickers) AND s.resolution = ANY (resolutions)
  ORDER BY s.ticker, s.resolution
  FOR NO KEY UPDATE;
END
$$;

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
