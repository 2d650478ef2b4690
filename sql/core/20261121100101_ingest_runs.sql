-- migrate:up

-- Every load from a file is a run. A bar says which one it came from: its source is 'csv:' and the run's id.
CREATE TABLE ingest_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  target text NOT NULL,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'refused', 'failed', 'interrupted')),
  file_hash text,
  rows_in bigint,
  rows_kept bigint,
  rows_rejected bigint,
  rows_changed bigint,
  rejections jsonb NOT NULL DEFAULT '[]',
  error text,
  options jsonb NOT NULL DEFAULT '{}',
  staged jsonb,
  started_by text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
COMMENT ON TABLE ingest_runs IS 'Every load from a file: what, by whom, when, and what came of it.';
COMMENT ON COLUMN ingest_runs.id IS 'Bars of the run have the source csv:<id>.';
COMMENT ON COLUMN ingest_runs.source IS 'File name or URL (without its secrets), or - for standard input.';
COMMENT ON COLUMN ingest_runs.target IS 'The table that was loaded, such as stock_prices_1d or imports.earnings.';
COMMENT ON COLUMN ingest_runs.status IS 'running; done; refused: rows were bad and nothing was kept; failed; interrupted: the program was killed.';
COMMENT ON COLUMN ingest_runs.file_hash IS 'SHA-256 of the CSV text (unpacked), in hex.';
COMMENT ON COLUMN ingest_runs.rows_in IS 'Data rows of the file.';
COMMENT ON COLUMN ingest_runs.rows_kept IS 'Rows that were accepted, whether they were news or not.';
COMMENT ON COLUMN ingest_runs.rows_changed IS 'Rows that were new or different from what was stored.';
COMMENT ON COLUMN ingest_runs.rejections IS 'The first refused rows: [{row, column, message}].';
COMMENT ON COLUMN ingest_runs.options IS 'How the file was read.';
COMMENT ON COLUMN ingest_runs.staged IS 'While running: how far the file is in the staging table, from where a killed run goes on.';
COMMENT ON COLUMN ingest_runs.started_by IS 'Login at the database, and user and host of the program.';

-- Rows wait here, unlogged, until all of their file has been judged. One table a run: staging.run_<id>.
CREATE SCHEMA staging;
COMMENT ON SCHEMA staging IS 'Rows of running imports; nothing here is meant to be read.';

-- Any other CSV, to be joined with prices.
CREATE SCHEMA imports;
COMMENT ON SCHEMA imports IS 'Tables that were loaded from files by tapecast import --table.';

GRANT SELECT ON ingest_runs TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT, UPDATE ON ingest_runs TO tapecast_ingestor;
GRANT USAGE, CREATE ON SCHEMA staging, imports TO tapecast_ingestor;
GRANT USAGE ON SCHEMA imports TO tapecast_forecaster, tapecast_web;

-- migrate:down

DROP SCHEMA imports CASCADE;
DROP SCHEMA staging CASCADE;
DROP TABLE ingest_runs;
