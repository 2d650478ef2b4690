-- migrate:up

-- Tells the hubs when what they say of a ticker's freshness may have changed. Prices have their own way; this fires
-- when the market opens or closes, the delay or the source changes, and when a feed fails or comes back.
CREATE FUNCTION quotes_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('tapecast_status', json_build_object('tickers', json_agg(ticker))::text)
  FROM (SELECT n.ticker, (row_number() OVER () - 1) / 200 AS payload
    FROM after_change n LEFT JOIN before_change o USING (ticker)
    WHERE (n.market_state, n.delay_seconds, n.source) IS DISTINCT FROM (o.market_state, o.delay_seconds, o.source)) news
  GROUP BY payload;
  RETURN NULL;
END
$$;
CREATE TRIGGER updated AFTER UPDATE ON stock_quotes REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
  FOR EACH STATEMENT EXECUTE FUNCTION quotes_changed();

CREATE FUNCTION feed_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' OR (OLD.error IS NULL) <> (NEW.error IS NULL) THEN
    PERFORM pg_notify('tapecast_status', '{"tickers":null}');
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE ON feed_status FOR EACH ROW EXECUTE FUNCTION feed_changed();

-- migrate:down

DROP TRIGGER changed ON feed_status;
DROP TRIGGER updated ON stock_quotes;
DROP FUNCTION feed_changed(), quotes_changed();
