-- migrate:up

-- The rollups as continuous aggregates: kept up to date by policies, newest part computed when asked for
-- (materialized_only = false). The day is built on the hour. Below the watermark a corrected bar shows after the next
-- refresh, at most half an hour later. The Apache edition has none and keeps the views.
DO $rollups$
DECLARE
  saved jsonb;
BEGIN
  IF current_setting('timescaledb.license') <> 'timescale' THEN RETURN; END IF;
  -- People's own views on the rollups are put back on the aggregates.
  saved := set_views_aside('pg_class', ARRAY['stock_rollup_1d'::regclass::oid, 'stock_rollup_1h'::regclass::oid]);
  DROP VIEW stock_rollup_1d, stock_rollup_1h;

  EXECUTE $$
    CREATE MATERIALIZED VIEW stock_rollup_1h
    WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT
      time_bucket('1 hour', time) AS time,
      ticker,
      first(open, time) AS open,
      max(high) AS high,
      min(low) AS low,
      last(close, time) AS close,
      sum(volume) AS volume,
      sum(close * volume) AS turnover,
      count(*) AS bars
    FROM stock_prices_1m
    WHERE close IS NOT NULL
    GROUP BY 1, 2
    WITH NO DATA
  $$;
  EXECUTE $$
    CREATE MATERIALIZED VIEW stock_rollup_1d
    WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT
      time_bucket('1 day', time) AS time,
      ticker,
      first(open, time) AS open,
      max(high) AS high,
      min(low) AS low,
      last(close, time) AS close,
      sum(volume) AS volume,
      sum(turnover) AS turnover,
      sum(bars)::bigint AS bars
    FROM stock_rollup_1h
    GROUP BY 1, 2
    WITH NO DATA
  $$;
  -- No start: an import of old bars is rolled up too, however old. What has not changed costs nothing.
  PERFORM add_continuous_aggregate_policy('stock_rollup_1h', start_offset => NULL, end_offset => interval '1 hour',
    schedule_interval => interval '30 minutes');
  PERFORM add_continuous_aggregate_policy('stock_rollup_1d', start_offset => NULL, end_offset => interval '1 day',
    schedule_interval => interval '1 hour');

  COMMENT ON VIEW stock_rollup_1h IS 'Hours of the clock (UTC), made of 1m bars, for queries over many tickers. With TimescaleDB a continuous aggregate.';
  COMMENT ON VIEW stock_rollup_1d IS 'Days of the clock (UTC), made of stock_rollup_1h. With TimescaleDB a continuous aggregate.';
  COMMENT ON COLUMN stock_rollup_1h.turnover IS 'Sum of close × volume of the 1m bars: turnover / volume is the volume-weighted price.';
  COMMENT ON COLUMN stock_rollup_1h.bars IS 'How many 1m bars it is made of.';
  COMMENT ON COLUMN stock_rollup_1d.turnover IS 'Sum of close × volume of the 1m bars: turnover / volume is the volume-weighted price.';
  COMMENT ON COLUMN stock_rollup_1d.bars IS 'How many 1m bars it is made of.';
  GRANT SELECT ON stock_rollup_1h, stock_rollup_1d TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
  PERFORM put_views_back(saved);
END
$rollups$;

-- migrate:down

DO $rollups$
DECLARE
  saved jsonb;
BEGIN
  IF current_setting('timescaledb.license') <> 'timescale' THEN RETURN; END IF;
  saved := set_views_aside('pg_class', ARRAY['stock_rollup_1d'::regclass::oid]);
  DROP MATERIALIZED VIEW stock_rollup_1d;
  saved := saved || set_views_aside('pg_class', ARRAY['stock_rollup_1h'::regclass::oid]);
  DROP MATERIALIZED VIEW stock_rollup_1h;

  CREATE VIEW stock_rollup_1h AS
  SELECT
    date_bin('1 hour', time, timestamptz '2000-01-03 00:00:00Z') AS time,
    ticker,
    (array_agg(open ORDER BY time))[1] AS open,
    max(high) AS high,
    min(low) AS low,
    (array_agg(close ORDER BY time DESC))[1] AS close,
    sum(volume) AS volume,
    sum(close * volume) AS turnover,
    count(*) AS bars
  FROM stock_prices_1m
  WHERE close IS NOT NULL
  GROUP BY 1, 2;
  CREATE VIEW stock_rollup_1d AS
  SELECT
    date_bin('1 day', time, timestamptz '2000-01-03 00:00:00Z') AS time,
    ticker,
    (array_agg(open ORDER BY time))[1] AS open,
    max(high) AS high,
    min(low) AS low,
    (array_agg(close ORDER BY time DESC))[1] AS close,
    sum(volume) AS volume,
    sum(turnover) AS turnover,
    sum(bars)::bigint AS bars
  FROM stock_rollup_1h
  GROUP BY 1, 2;
  COMMENT ON VIEW stock_rollup_1h IS 'Hours of the clock (UTC), made of 1m bars, for queries over many tickers. With TimescaleDB a continuous aggregate.';
  COMMENT ON VIEW stock_rollup_1d IS 'Days of the clock (UTC), made of stock_rollup_1h. With TimescaleDB a continuous aggregate.';
  COMMENT ON COLUMN stock_rollup_1h.turnover IS 'Sum of close × volume of the 1m bars: turnover / volume is the volume-weighted price.';
  COMMENT ON COLUMN stock_rollup_1h.bars IS 'How many 1m bars it is made of.';
  COMMENT ON COLUMN stock_rollup_1d.turnover IS 'Sum of close × volume of the 1m bars: turnover / volume is the volume-weighted price.';
  COMMENT ON COLUMN stock_rollup_1d.bars IS 'How many 1m bars it is made of.';
  GRANT SELECT ON stock_rollup_1h, stock_rollup_1d TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
  PERFORM put_views_back(saved);
END
$rollups$;
