-- migrate:up

-- Of a condition on the time of stock_prices_5m, _15m or _1w the planner sees one on date_bin(), which says nothing to the
-- index on time: it read the whole table for the last hour of all tickers. A BRIN index keeps the least and the greatest
-- bucket of each few hundred kilobytes, which costs writers next to nothing: bars lie together by time or, after an
-- import, by ticker and time. TimescaleDB's views use time_bucket(), which excludes chunks.
CREATE INDEX stock_prices_1m_buckets ON stock_prices_1m USING brin (
  date_bin('5 minutes', time, timestamptz '2000-01-03 00:00:00Z'),
  date_bin('15 minutes', time, timestamptz '2000-01-03 00:00:00Z')
) WITH (pages_per_range = 32, autosummarize = on);

CREATE INDEX stock_prices_1d_weeks ON stock_prices_1d USING brin (
  date_bin('7 days', time, timestamptz '2000-01-03 00:00:00Z')
) WITH (pages_per_range = 32, autosummarize = on);

-- migrate:down

DROP INDEX stock_prices_1d_weeks, stock_prices_1m_buckets;
