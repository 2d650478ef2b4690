-- migrate:up

-- Old chunks become columns: one segment a ticker, rising in time, which is how they are read. Written bars may still be
-- corrected (only the segments touched are unpacked), but that costs more: so chunks wait until corrections are rare.
-- 1m: the vendor serves seven days for repair. 1h and 1d: 90 and 30 days after the chunk has ended.
-- The columnstore is not part of the Apache edition, which some managed databases offer: there it is left out.
DO $$
DECLARE
  resolution text;
  after interval;
BEGIN
  IF current_setting('timescaledb.license') <> 'timescale' THEN
    RAISE NOTICE 'this TimescaleDB is the Apache edition: no columnstore, no continuous aggregates, no policies';
    RETURN;
  END IF;
  FOR resolution, after IN VALUES ('1m', interval '8 days'), ('1h', interval '90 days'), ('1d', interval '30 days') LOOP
    EXECUTE format('ALTER TABLE stock_prices_%s SET (timescaledb.enable_columnstore = true,
      timescaledb.segmentby = ''ticker'', timescaledb.orderby = ''time'')', resolution);
    EXECUTE format('CALL add_columnstore_policy(%L, after => %L::interval)', 'stock_prices_' || resolution, after);
  END LOOP;
END
$$;

-- migrate:down

DO $$
DECLARE
  resolution text;
  chunk regclass;
BEGIN
  IF current_setting('timescaledb.license') <> 'timescale' THEN RETURN; END IF;
  FOREACH resolution IN ARRAY ARRAY['1m', '1h', '1d'] LOOP
    EXECUTE format('CALL remove_columnstore_policy(%L, if_exists => true)', 'stock_prices_' || resolution);
    FOR chunk IN SELECT format('%I.%I', chunk_schema, chunk_name)::regclass FROM timescaledb_information.chunks
      WHERE hypertable_name = 'stock_prices_' || resolution AND is_compressed
    LOOP
      PERFORM decompress_chunk(chunk);
    END LOOP;
    EXECUTE format('ALTER TABLE stock_prices_%s SET (timescaledb.enable_columnstore = false)', resolution);
  END LOOP;
END
$$;
