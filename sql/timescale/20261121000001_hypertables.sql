-- migrate:up

-- Chunks so that the newest ones fit in memory and a whole history is few of them. The triggers, constraints and rights
-- of the tables go with them. Moving the rows into chunks ends with a TRUNCATE of the table that held them, which takes
-- nothing from anybody: so it must not renew the epoch.
DO $$
DECLARE
  resolution text;
  width interval;
BEGIN
  FOR resolution, width IN VALUES ('1m', interval '1 day'), ('1h', interval '90 days'), ('1d', interval '3650 days') LOOP
    EXECUTE format('DROP TRIGGER truncated ON stock_prices_%s', resolution);
    PERFORM create_hypertable(('stock_prices_' || resolution)::regclass, by_range('time', width),
      migrate_data => true, create_default_indexes => false);
    EXECUTE format('CREATE TRIGGER truncated AFTER TRUNCATE ON stock_prices_%s
      FOR EACH STATEMENT EXECUTE FUNCTION prices_removed()', resolution);
  END LOOP;
END
$$;

GRANT SELECT ON schema_migrations_timescale TO tapecast_ingestor, tapecast_forecaster, tapecast_web;

-- migrate:down

-- There is no way back but by a copy: each table is made anew as a plain one with the rows, rights and triggers of the
-- hypertable, and every view that reads it is put back on it.
DO $back$
DECLARE
  resolution text;
  hypertable text;
  saved jsonb;
  statement text;
  statements text[];
BEGIN
  IF EXISTS (SELECT FROM timescaledb_information.continuous_aggregates WHERE hypertable_name LIKE 'stock\_prices\_1_') THEN
    RAISE EXCEPTION 'continuous aggregates are built on the price tables: drop them first'
      USING DETAIL = (SELECT string_agg(view_name, ', ') FROM timescaledb_information.continuous_aggregates
        WHERE hypertable_name LIKE 'stock\_prices\_1_');
  END IF;
  FOREACH resolution IN ARRAY ARRAY['1m', '1h', '1d'] LOOP
    hypertable := 'stock_prices_' || resolution;
    saved := set_views_aside('pg_class', ARRAY[hypertable::regclass::oid]);
    SELECT array_agg(s) INTO statements FROM (
      SELECT pg_get_triggerdef(t.oid) AS s FROM pg_trigger t
      WHERE tgrelid = hypertable::regclass AND NOT tgisinternal
        AND tgfoid::regproc::text NOT LIKE '%timescaledb%'
      UNION ALL
      SELECT format('GRANT %s ON %I TO %s', privilege_type, hypertable,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
      FROM pg_class c, aclexplode(c.relacl) WHERE c.oid = hypertable::regclass AND grantee <> c.relowner
      UNION ALL
      SELECT format('COMMENT ON TABLE %I IS %L', hypertable, obj_description(hypertable::regclass, 'pg_class'))
    ) all_statements;
    EXECUTE format('CREATE TABLE %1$s_plain (LIKE %1$s INCLUDING ALL)', hypertable);
    EXECUTE format('INSERT INTO %1$s_plain SELECT * FROM %1$s', hypertable);
    EXECUTE format('DROP TABLE %s', hypertable);
    EXECUTE format('ALTER TABLE %1$s_plain RENAME TO %1$s', hypertable);
    EXECUTE format('ALTER INDEX %1$s_plain_pkey RENAME TO %1$s_pkey', hypertable);
    EXECUTE format('ALTER INDEX %1$s_plain_time_idx RENAME TO %1$s_time', hypertable);
    FOREACH statement IN ARRAY statements LOOP
      EXECUTE statement;
    END LOOP;
    PERFORM put_views_back(saved);
  END LOOP;
END
$back$;
REVOKE SELECT ON schema_migrations_timescale FROM tapecast_ingestor, tapecast_forecaster, tapecast_web;
