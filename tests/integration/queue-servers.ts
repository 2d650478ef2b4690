/** The two servers that a queue can live on, each with the faults that the queue tests need. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../apps/local/src/embedded.ts';
import { startRedis } from '../support/redis.ts';

export interface QueueServer {
  readonly url: string;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Ends it and removes what it stored. */
  stop(): Promise<void>;
}

/** A PostgreSQL of its own, with a role that owns nothing but the queue's database. */
async function startPostgresQueue(): Promise<QueueServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-queue-'));
  await chmod(folder, 0o711);
  const settings = { synchronous_commit: 'on', fsync: 'off', max_connections: '60' };
  let server = await startPostgres({ folder, settings });
  const { port } = server;
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  await admin.query("CREATE ROLE queue LOGIN PASSWORD 'queue'");
  await admin.query('CREATE DATABASE queue OWNER queue');
  await admin.end();

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    process.kill(server.pid, signal);
    await server.ended;
  };
  return {
    url: `postgres://queue:queue@127.0.0.1:${port}/queue`,
    kill: () => end('SIGQUIT'),
    restart: async () => {
      server = await startPostgres({ folder, settings, preferredPort: port });
      if (server.port !== port) throw new Error(`Port ${port} was taken by another program meanwhile`);
    },
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const QUEUE_SERVERS: { name: string; start(): Promise<QueueServer> }[] = [
  { name: 'Redis', start: startRedis },
  { name: 'PostgreSQL', start: startPostgresQueue },
];
