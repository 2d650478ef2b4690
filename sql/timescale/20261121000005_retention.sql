-- migrate:up

-- Off by default: nothing is forgotten unless an operator says so, per resolution:
--   SELECT set_price_retention('1m', '90 days');   -- chunks that lie wholly before that are dropped, once a day
--   SELECT set_price_retention('1m', NULL);        -- keep everything (again)
-- Forgetting is no correction: what clients were sent stays true, so the epoch is not renewed and nobody is told.
-- The rollups keep what they have: their refresh leaves the forgotten time alone.
-- The Apache edition has no policies: there SELECT drop_chunks('stock_prices_1m', older_than => …) by a timer of your own.
CREATE FUNCTION set_price_retention(resolution text, keep interval) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_catalog, pg_temp AS $$
DECLARE
  hypertable regclass := ('stock_prices_' || resolution)::regclass;
  -- What the ingestor fills at a start would be forgotten and fetched again and again.
  least interval := CASE resolution WHEN '1m' THEN interval '10 days' WHEN '1h' THEN interval '3 years' ELSE interval '21 years' END;
BEGIN
  IF resolution NOT IN ('1m', '1h', '1d') THEN
    RAISE EXCEPTION 'resolution is 1m, 1h or 1d, not %', resolution;
  END IF;
  IF keep < least THEN
    RAISE EXCEPTION 'keep at least % of %: what is forgotten sooner would be filled in again by the ingestor', least, resolution;
  END IF;
  PERFORM remove_retention_policy(hypertable, if_exists => true);
  IF keep IS NOT NULL THEN
    PERFORM add_retention_policy(hypertable, keep);
  END IF;
  IF resolution = '1m' THEN
    PERFORM remove_continuous_aggregate_policy('stock_rollup_1h', if_exists => true);
    PERFORM add_continuous_aggregate_policy('stock_rollup_1h', start_offset => keep - interval '2 days',
      end_offset => interval '1 hour', schedule_interval => interval '30 minutes');
  END IF;
END
$$;
REVOKE ALL ON FUNCTION set_price_retention(text, interval) FROM PUBLIC;

-- migrate:down

DO $$
BEGIN
  IF current_setting('timescaledb.license') <> 'timescale' THEN RETURN; END IF;
  PERFORM set_price_retention(resolution, NULL) FROM unnest(ARRAY['1m', '1h', '1d']) resolution;
END
$$;
DROP FUNCTION set_price_retention(text, interval);
