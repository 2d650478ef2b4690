/** COPY into a staging table, in chunks that are committed one by one, each with how far the file has come. */
import { once } from 'node:events';
import { sql, type RawBuilder } from 'kysely';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { answering } from './database.ts';
import { type StagedState } from './ingest-runs.ts';

export interface StagingColumn {
  name: string;
  type: 'text' | 'double precision' | 'timestamp with time zone';
}

/** Of COPY: lines of text, or its binary tuples, which cost neither side the printing and reading of numbers. */
export type StagingFormat = 'text' | 'binary';

export interface StagingChunk {
  /** Rows in the format of the staging table, whole ones. Waits while the server is slower than we are. */
  write(rows: string | Buffer): Promise<void>;
  /** Commits the chunk together with how far the file is. */
  commit(state: StagedState): Promise<void>;
  /** Gives up what was not committed. */
  abandon(): Promise<void>;
}

/** PostgreSQL's documentation of COPY: signature, no flags, no extension of the header; and -1 fields at the end. */
const BINARY_HEAD = Buffer.from('PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const BINARY_END = Buffer.from([0xff, 0xff]);

export interface ChunkTarget {
  client: pg.PoolClient;
  /** The statement without its format. */
  copy: string;
  format: StagingFormat;
  query(statement: RawBuilder<unknown>): Promise<unknown>;
  /** Null: a dry run, which remembers nothing. */
  run: number | null;
}

/** The transaction opens with the first rows, so that an empty chunk costs nothing. */
export function openChunk({ client, copy, format, query, run }: ChunkTarget): StagingChunk {
  let stream: ReturnType<typeof copyFrom> | undefined;
  let failure: unknown;

  async function open(): Promise<ReturnType<typeof copyFrom>> {
    await query(sql`BEGIN`);
    const opened = client.query(copyFrom(format === 'binary' ? `${copy} (FORMAT binary)` : copy));
    opened.on('error', (error) => (failure ??= error));
    if (format === 'binary') opened.write(BINARY_HEAD);
    return opened;
  }

  return {
    write: async (rows) => {
      if (rows.length === 0) return;
      stream ??= await open();
      if (failure !== undefined) throw failure;
      if (!stream.write(rows)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
      if (failure !== undefined) throw failure;
    },
    commit: async (state) => {
      if (stream === undefined) return;
      const current = stream;
      await answering(async () => {
        if (failure !== undefined) throw failure;
        const finished = once(current, 'finish');
        current.end(format === 'binary' ? BINARY_END : undefined);
        await finished;
      });
      if (run !== null) {
        await query(sql`UPDATE ingest_runs SET staged = ${JSON.stringify(state)}::jsonb WHERE id = ${run}`);
      }
      await query(sql`COMMIT`);
      stream = undefined;
    },
    abandon: async () => {
      if (stream === undefined) return;
      // The server has to hear that no more rows come: it would wait for them, and the next statement for it.
      const closed = once(stream, 'close');
      stream.destroy();
      await closed.catch(() => undefined);
      await query(sql`ROLLBACK`);
      stream = undefined;
    },
  };
}
