/** The web service as a process of its own, with a series of bars, for tests that use it as strangers do. */
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@tapecast/db/database';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import { expect, vi } from 'vitest';
import { createDatabase } from '../support/postgres.ts';
import { startServerProcess } from '../support/server-process.ts';
import { row, T0 } from './hub-world.ts';

export interface ServedWorld {
  origin: string;
  port: number;
  /** A new close of the newest of the 1m bars of MSFT. */
  write(close: number): Promise<void>;
  /** SIGTERM. @returns the exit code, once it has ended */
  terminate(): Promise<number | null>;
  close(): Promise<void>;
}

export async function serveWorld(settings: Record<string, string> = {}): Promise<ServedWorld> {
  const database = await createDatabase();
  const db = openDatabase({ url: database.asRole('tapecast_ingestor'), applicationName: 'test writer' });
  await ensureTickers(db, ['MSFT']);
  const write = async (close: number) => void (await writeBars(db, '1m', [row('MSFT', T0, close)]));
  await write(10);
  const main = fileURLToPath(new URL('../../apps/web/server/main.ts', import.meta.url));
  const own = { DATABASE_URL: database.asRole('tapecast_web'), PORT: '0', LOG_LEVEL: 'info', ...settings };
  const server = await startServerProcess(process.execPath, [main], /"origin":"[^"]+"/, { ...process.env, ...own });
  const origin = /"origin":"([^"]+)"/.exec(server.output())?.[1] ?? '';
  await vi.waitFor(async () => expect((await fetch(`${origin}/readyz`)).status).toBe(200), { timeout: 20_000 });
  return {
    origin,
    port: Number(new URL(origin).port),
    write,
    terminate: () => server.end('SIGTERM'),
    async close() {
      await server.end('SIGKILL');
      await db.close();
      await database.drop();
    },
  };
}
