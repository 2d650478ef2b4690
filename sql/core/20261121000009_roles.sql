-- migrate:up

-- A role for each service. They cannot log in until a deployment gives them a password. Roles belong to the whole
-- server, grants to this database: so they are made once and granted here.
DO $$
DECLARE service text;
BEGIN
  FOREACH service IN ARRAY ARRAY['tapecast_ingestor', 'tapecast_forecaster', 'tapecast_web'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', service);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL; -- another database of this server has made it
    END;
  END LOOP;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tapecast_ingestor, tapecast_forecaster, tapecast_web', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON FUNCTION current_epoch(), lock_series(text[], text[]), renew_epoch(), renew_epoch_if(text),
  prices_changed(), prices_removed(), forecasts_made(), quotes_changed(), feed_changed()
  FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT EXECUTE ON FUNCTION current_epoch() TO tapecast_ingestor, tapecast_forecaster, tapecast_web;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO tapecast_ingestor, tapecast_forecaster, tapecast_web;

GRANT INSERT, UPDATE ON stock_tickers, stock_quotes, feed_status, stock_prices_1m, stock_prices_1h, stock_prices_1d, rejected_rows
  TO tapecast_ingestor;
GRANT EXECUTE ON FUNCTION lock_series(text[], text[]) TO tapecast_ingestor;

GRANT INSERT ON stock_forecasts TO tapecast_forecaster;

GRANT EXECUTE ON FUNCTION renew_epoch_if(text) TO tapecast_web;

-- migrate:down

DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM tapecast_ingestor, tapecast_forecaster, tapecast_web', current_database());
END
$$;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM tapecast_ingestor, tapecast_forecaster, tapecast_web;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM tapecast_ingestor, tapecast_forecaster, tapecast_web;
REVOKE ALL ON SCHEMA public FROM tapecast_ingestor, tapecast_forecaster, tapecast_web;
