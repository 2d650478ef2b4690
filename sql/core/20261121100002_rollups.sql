-- migrate:up

-- For analysts: hours and days of the clock (UTC) over many tickers, made of 1m bars. Here they are views; with
-- TimescaleDB sql/timescale keeps them as continuous aggregates under the same names. The day is made of hours in both.
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

-- migrate:down

DROP VIEW stock_rollup_1d, stock_rollup_1h;
