/** A real redis-server on a free port, set up as the stack's: no eviction, append-only file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../apps/local/src/free-port.ts';
import { startServerProcess } from './server-process.ts';

export interface TestRedis {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** Ends the server as a crash does; what was acknowledged stays in its folder. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-redis-'));
  const port = await freePort();
  const start = () =>
    startServerProcess(
      'redis-server',
      // prettier-ignore
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always',
        '--maxmemory-policy', 'noeviction'],
      /Ready to accept connections/,
    );
  let server = await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: async () => void (await server.end('SIGKILL')),
    restart: async () => {
      await server.end();
      server = await start();
    },
    stop: async () => {
      await server.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
