-- migrate:up

-- What ingestors share, so that several of them ask the vendor no more than one would.
CREATE TABLE vendor_budget (
  vendor text PRIMARY KEY,
  tokens double precision NOT NULL,
  filled_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE vendor_budget IS 'Token bucket of all requests to a vendor, whoever sends them: polls and backfill together.';
COMMENT ON COLUMN vendor_budget.tokens IS 'Requests that could have gone out at filled_at.';

-- Takes one request out of the bucket, or says how many seconds to wait before asking again. The row lock makes it one
-- bucket for all, the server's clock makes it one clock. Whoever leaves a reserve lets others go first.
CREATE FUNCTION take_vendor_request(asked_vendor text, per_second double precision, burst double precision, reserve double precision)
RETURNS double precision
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  bucket vendor_budget;
  available double precision;
  moment timestamptz;
BEGIN
  SELECT * INTO bucket FROM vendor_budget WHERE vendor = asked_vendor FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO vendor_budget VALUES (asked_vendor, burst, clock_timestamp()) ON CONFLICT DO NOTHING;
    SELECT * INTO bucket FROM vendor_budget WHERE vendor = asked_vendor FOR NO KEY UPDATE;
  END IF;
  moment := clock_timestamp();
  available := least(burst, bucket.tokens + greatest(0, extract(epoch FROM moment - bucket.filled_at)) * per_second);
  IF available < 1 + reserve THEN RETURN (1 + reserve - available) / per_second; END IF;
  UPDATE vendor_budget SET tokens = available - 1, filled_at = moment WHERE vendor = asked_vendor;
  RETURN 0;
END
$$;

CREATE TABLE service_leases (
  name text PRIMARY KEY,
  holder uuid NOT NULL,
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE service_leases IS 'Work that one replica does for all (keeping the history complete); another one takes it over when the lease runs out.';

REVOKE ALL ON FUNCTION take_vendor_request(text, double precision, double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_vendor_request(text, double precision, double precision, double precision) TO tapecast_ingestor;
GRANT SELECT ON vendor_budget, service_leases TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT, UPDATE ON service_leases TO tapecast_ingestor;

-- migrate:down

DROP TABLE service_leases;
DROP FUNCTION take_vendor_request(text, double precision, double precision, double precision);
DROP TABLE vendor_budget;
