-- migrate:up

-- Revisions make resume exact. Each statement that changes a series raises its revision by one, while it holds the
-- series' row lock until commit: so the order of revisions is the order of commits, which no sequence or timestamp
-- can promise. NOTIFY delivers in the same order.

CREATE TABLE series (
  ticker text NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('1m', '1h', '1d')),
  revision bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (ticker, resolution)
) WITH (fillfactor = 50);
COMMENT ON TABLE series IS 'Head revision of each native series.';

CREATE TABLE series_changes (
  ticker text NOT NULL,
  resolution text NOT NULL,
  bucket timestamptz NOT NULL,
  revision bigint NOT NULL,
  PRIMARY KEY (ticker, resolution, bucket)
);
COMMENT ON TABLE series_changes IS 'Newest revision that touched each time bucket (1m: 1 hour, 1h: 4 days, 1d: 70 days). Never pruned: one row a bucket.';

CREATE TABLE database_epoch (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
COMMENT ON TABLE database_epoch IS 'Renewed whenever revisions stop telling the whole story: rows deleted, truncated, or the database set back.';
INSERT INTO database_epoch DEFAULT VALUES;

-- The stored id says which history; the system identifier and the timeline change with a restore and a promotion.
CREATE FUNCTION current_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT left(md5(concat_ws('/', e.id, s.system_identifier,
    CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id::text FROM pg_control_checkpoint())
      ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END)), 16)
  FROM database_epoch e, pg_control_system() s
$$;

CREATE FUNCTION renew_epoch() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE database_epoch SET id = gen_random_uuid();
  PERFORM pg_notify('tapecast_bars', json_build_object('epoch', current_epoch(), 'series', '[]'::json)::text);
  RETURN current_epoch();
END
$$;

-- For a hub that finds a revision below one that it has seen. Several hubs may find it at once: the first one wins.
CREATE FUNCTION renew_epoch_if(expected text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM FROM database_epoch FOR UPDATE;
  IF current_epoch() = expected THEN RETURN renew_epoch(); END IF;
  RETURN current_epoch();
END
$$;

-- Writers call this first: everyone takes the locks in the same order, so two writers of the same series wait for
-- each other instead of deadlocking.
CREATE FUNCTION lock_series(tickers text[], resolutions text[]) RETURNS void
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

-- Statement-level and set-based: raises each touched series once, folds the change into its buckets, and notifies.
-- A payload must stay below 8,000 bytes or the write itself fails: an entry of more than 3,000 bytes becomes a range,
-- and entries whose running length starts in the same 4,500 bytes travel together (4,500 + 3,000 + envelope).
-- `committedAt` is when the change was made, so that its way to the clients can be measured.
CREATE FUNCTION prices_changed() RETURNS trigger
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

-- No service may delete; an operator may. What was sent before cannot be taken back by revisions: everyone starts anew.
CREATE FUNCTION prices_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM renew_epoch();
  RETURN NULL;
END
$$;

DO $$
DECLARE
  resolution text;
  bucket_width text;
BEGIN
  FOR resolution, bucket_width IN VALUES ('1m', '1 hour'), ('1h', '4 days'), ('1d', '70 days') LOOP
    EXECUTE format('CREATE TRIGGER inserted AFTER INSERT ON stock_prices_%1$s REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION prices_changed(%1$L, %2$L)', resolution, bucket_width);
    EXECUTE format('CREATE TRIGGER updated AFTER UPDATE ON stock_prices_%1$s REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION prices_changed(%1$L, %2$L)', resolution, bucket_width);
    -- A bar that gets another key is gone from its old one: that is a removal.
    EXECUTE format('CREATE TRIGGER moved AFTER UPDATE OF ticker, time ON stock_prices_%s
      FOR EACH STATEMENT EXECUTE FUNCTION prices_removed()', resolution);
    EXECUTE format('CREATE TRIGGER deleted AFTER DELETE ON stock_prices_%s
      FOR EACH STATEMENT EXECUTE FUNCTION prices_removed()', resolution);
    EXECUTE format('CREATE TRIGGER truncated AFTER TRUNCATE ON stock_prices_%s
      FOR EACH STATEMENT EXECUTE FUNCTION prices_removed()', resolution);
  END LOOP;
END
$$;
CREATE TRIGGER deleted AFTER DELETE ON series FOR EACH STATEMENT EXECUTE FUNCTION prices_removed();
CREATE TRIGGER truncated AFTER TRUNCATE ON series FOR EACH STATEMENT EXECUTE FUNCTION prices_removed();
CREATE TRIGGER deleted AFTER DELETE ON series_changes FOR EACH STATEMENT EXECUTE FUNCTION prices_removed();
CREATE TRIGGER truncated AFTER TRUNCATE ON series_changes FOR EACH STATEMENT EXECUTE FUNCTION prices_removed();

-- migrate:down

DO $$
DECLARE resolution text;
BEGIN
  FOREACH resolution IN ARRAY ARRAY['1m', '1h', '1d'] LOOP
    EXECUTE format('DROP TRIGGER inserted ON stock_prices_%s', resolution);
    EXECUTE format('DROP TRIGGER updated ON stock_prices_%s', resolution);
    EXECUTE format('DROP TRIGGER moved ON stock_prices_%s', resolution);
    EXECUTE format('DROP TRIGGER deleted ON stock_prices_%s', resolution);
    EXECUTE format('DROP TRIGGER truncated ON stock_prices_%s', resolution);
  END LOOP;
END
$$;
DROP TABLE series, series_changes;
DROP FUNCTION prices_changed(), prices_removed(), lock_series(text[], text[]), renew_epoch_if(text), renew_epoch(), current_epoch();
DROP TABLE database_epoch;
