/** A database and a folder for imports, and short ways to run them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '@tapecast/db/database';
import { importPrices, type ImportOptions, type ImportReport } from '@tapecast/ingest/import/import-prices';
import { openSource } from '@tapecast/ingest/import/source';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

export interface ImportWorld {
  database: TestDatabase;
  /** As the ingestor's role, which has to be enough for an import. */
  db: Database;
  folder: string;
  rows<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>;
  write(name: string, content: string | Buffer): Promise<string>;
  run(file: string, options?: ImportOptions & { encoding?: string }): Promise<ImportReport>;
  close(): Promise<void>;
}

export async function openImportWorld(): Promise<ImportWorld> {
  const database = await createDatabase();
  const db = openDatabase({
    url: database.asRole('tapecast_ingestor'),
    applicationName: 'import test',
    queryTimeoutMs: 0,
  });
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-import-'));
  const { signal } = new AbortController();
  return {
    database,
    db,
    folder,
    rows: async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await admin.query<T>(text, values)).rows,
    write: async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    run: async (file, { encoding, ...options } = {}) =>
      importPrices(await openSource(file, { signal, encoding }), options, { db, signal, startedBy: 'test' }),
    close: async () => {
      await db.close();
      await admin.end();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const YAHOO_HEAD = 'Date,Open,High,Low,Close,Adj Close,Volume';

/** Rising daily bars from 2020-01-01, as our own export writes them. */
export function dailyCsv(ticker: string, days: number): string {
  const lines = ['time,ticker,open,high,low,close,close_adj,volume'];
  for (let day = 0; day < days; day += 1) {
    const time = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().replace('.000Z', 'Z');
    const open = 100 + (day % 50);
    lines.push(`${time},${ticker},${open},${open + 2},${open - 1},${open + 1},${open + 0.5},${1_000 + day}`);
  }
  return `${lines.join('\n')}\n`;
}
