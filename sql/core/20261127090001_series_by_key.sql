-- migrate:up

-- Not even `series` is joined any more. With statistics of fifty series the planner still took the series first and looked for each
-- among what was touched: 10,000 new ones in one statement compared 100 million pairs. They are found by their key, and grouped.

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
  WITH raised AS MATERIALIZED (
    UPDATE series s SET revision = s.revision + 1
    WHERE s.ticker = ANY (tickers) AND s.resolution = changed_resolution
    RETURNING s.ticker, s.revision
  ), part AS (
    SELECT ticker, date_bin(bucket_width, time, timestamptz '2000-01-03 00:00:00Z') AS bucket,
      min(time) AS first_time, max(time) AS last_time, NULL::text AS bars, NULL::bigint AS revision
    FROM changed GROUP BY 1, 2
    UNION ALL
    SELECT ticker, NULL, NULL, NULL, string_agg(
      json_build_array(extract(epoch FROM time)::bigint, open, high, low, close, volume)::text, ',' ORDER BY time), NULL
    FROM changed WHERE few GROUP BY ticker
    UNION ALL
    SELECT ticker, NULL, NULL, NULL, NULL, revision FROM raised
  ), touched AS (
    SELECT ticker, min(first_time) AS first_time, max(last_time) AS last_time, max(bars) AS bars,
      array_agg(bucket) FILTER (WHERE bucket IS NOT NULL) AS buckets, max(revision) AS revision
    FROM part GROUP BY ticker
  ), folded AS (
    INSERT INTO series_changes AS sc (ticker, resolution, bucket, revision)
    SELECT ticker, changed_resolution, unnest(buckets), revision FROM touched
    ON CONFLICT (ticker, resolution, bucket) DO UPDATE SET revision = excluded.revision
  ), entry AS (
    SELECT ticker, CASE WHEN octet_length(bars) < 2700
      THEN format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"bars":[%s]}',
        to_json(ticker), changed_resolution, revision - 1, revision, bars)
      ELSE format('{"ticker":%s,"resolution":"%s","prev":%s,"revision":%s,"from":%s,"to":%s}',
        to_json(ticker), changed_resolution, revision - 1, revision,
        extract(epoch FROM first_time)::bigint, extract(epoch FROM last_time)::bigint) END AS json
    FROM touched
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
