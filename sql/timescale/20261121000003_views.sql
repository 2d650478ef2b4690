-- migrate:up

-- The same views in TimescaleDB's words. A condition on the bucket of time_bucket() excludes chunks, one on date_bin()
-- does not; first() and last() need no sorting.
CREATE OR REPLACE VIEW stock_prices_5m AS
SELECT
  time_bucket('5 minutes', time) AS time,
  ticker,
  first(open, time) AS open,
  max(high) AS high,
  min(low) AS low,
  last(close, time) AS close,
  last(close_adj, time) AS close_adj,
  sum(volume) AS volume,
  last(source, time) AS source
FROM stock_prices_1m
WHERE close IS NOT NULL
GROUP BY 1, 2;

CREATE OR REPLACE VIEW stock_prices_15m AS
SELECT
  time_bucket('15 minutes', time) AS time,
  ticker,
  first(open, time) AS open,
  max(high) AS high,
  min(low) AS low,
  last(close, time) AS close,
  last(close_adj, time) AS close_adj,
  sum(volume) AS volume,
  last(source, time) AS source
FROM stock_prices_1m
WHERE close IS NOT NULL
GROUP BY 1, 2;

CREATE OR REPLACE VIEW stock_prices_1w AS
SELECT
  time_bucket('7 days', time) AS time,
  ticker,
  first(open, time) AS open,
  max(high) AS high,
  min(low) AS low,
  last(close, time) AS close,
  last(close_adj, time) AS close_adj,
  sum(volume) AS volume,
  last(source, time) AS source
FROM stock_prices_1d
WHERE close IS NOT NULL
GROUP BY 1, 2;

-- migrate:down

CREATE OR REPLACE VIEW stock_prices_5m AS
SELECT
  date_bin('5 minutes', time, timestamptz '2000-01-03 00:00:00Z') AS time,
  ticker,
  (array_agg(open ORDER BY time))[1] AS open,
  max(high) AS high,
  min(low) AS low,
  (array_agg(close ORDER BY time DESC))[1] AS close,
  (array_agg(close_adj ORDER BY time DESC))[1] AS close_adj,
  sum(volume) AS volume,
  (array_agg(source ORDER BY time DESC))[1] AS source
FROM stock_prices_1m
WHERE close IS NOT NULL
GROUP BY 1, 2;

CREATE OR REPLACE VIEW stock_prices_15m AS
SELECT
  date_bin('15 minutes', time, timestamptz '2000-01-03 00:00:00Z') AS time,
  ticker,
  (array_agg(open ORDER BY time))[1] AS open,
  max(high) AS high,
  min(low) AS low,
  (array_agg(close ORDER BY time DESC))[1] AS close,
  (array_agg(close_adj ORDER BY time DESC))[1] AS close_adj,
  sum(volume) AS volume,
  (array_agg(source ORDER BY time DESC))[1] AS source
FROM stock_prices_1m
WHERE close IS NOT NULL
GROUP BY 1, 2;

CREATE OR REPLACE VIEW stock_prices_1w AS
SELECT
  date_bin('7 days', time, timestamptz '2000-01-03 00:00:00Z') AS time,
  ticker,
  (array_agg(open ORDER BY time))[1] AS open,
  max(high) AS high,
  min(low) AS low,
  (array_agg(close ORDER BY time DESC))[1] AS close,
  (array_agg(close_adj ORDER BY time DESC))[1] AS close_adj,
  sum(volume) AS volume,
  (array_agg(source ORDER BY time DESC))[1] AS source
FROM stock_prices_1d
WHERE close IS NOT NULL
GROUP BY 1, 2;
