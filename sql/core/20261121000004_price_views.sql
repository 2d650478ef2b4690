-- migrate:up

-- Buckets begin at multiples of their width since Monday 2000-01-03, as in TimescaleDB's time_bucket(). date_bin()
-- is PostgreSQL's own, so these views depend on no function that the extension would replace.
CREATE VIEW stock_prices_5m AS
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

CREATE VIEW stock_prices_15m AS
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

CREATE VIEW stock_prices_1w AS
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

COMMENT ON VIEW stock_prices_5m IS 'Bars of five minutes, made of 1m bars.';
COMMENT ON VIEW stock_prices_15m IS 'Bars of fifteen minutes, made of 1m bars.';
COMMENT ON VIEW stock_prices_1w IS 'Weekly bars, made of 1d bars; keyed by the exchange-local Monday at 00:00Z.';

CREATE VIEW stock_prices AS
SELECT '1m' AS resolution, time, ticker, open, high, low, close, close_adj, volume, source FROM stock_prices_1m WHERE close IS NOT NULL
UNION ALL
SELECT '1h', time, ticker, open, high, low, close, close_adj, volume, source FROM stock_prices_1h WHERE close IS NOT NULL
UNION ALL
SELECT '1d', time, ticker, open, high, low, close, close_adj, volume, source FROM stock_prices_1d WHERE close IS NOT NULL;

COMMENT ON VIEW stock_prices IS 'All native bars, with their resolution.';

-- migrate:down

DROP VIEW stock_prices, stock_prices_1w, stock_prices_15m, stock_prices_5m;
