/**
 * BullMQ's PostgreSQL backend, made to outlive its server. As it comes, a connection that fails once while it is being
 * prepared stays failed for good, a connection lost during the migration is an unhandled 'error' event, and a worker
 * asks a server that is starting up again and again without a pause.
 *
 * The role in the URL must own the database, or hold CREATE on it: the tables live in a schema `bullmq` of their own.
 * Each producer takes up to two connections, each worker up to three and one that LISTENs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresConnection, PostgresQueueBackend, runMigrations } from 'bullmq';
import { type QueueBackendFactory } from './backend-factory.ts';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;
const PAUSE_AFTER_FAILED_FETCH_MS = 500;

const POOL = { connectionTimeoutMillis: 5_000, query_timeout: 30_000, keepAlive: true, idleTimeoutMillis: 30_000 };

class ResumingConnection extends PostgresConnection {
  #ready: Promise<void> | undefined;

  override waitUntilReady(): Promise<void> {
    this.#ready ??= this.#prepareUntilDone();
    return this.#ready;
  }

  async #prepareUntilDone(): Promise<void> {
    for (let pause = FIRST_RETRY_MS; !this.isClosing; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
      try {
        await this.#prepare();
        setImmediate(() => this.emit('ready'));
        return;
      } catch (error) {
        if (this.listenerCount('error') > 0) this.emit('error', error);
        await sleep(pause, undefined, { ref: false });
      }
    }
  }

  async #prepare(): Promise<void> {
    const client = await this.pool.connect();
    let lost: Error | undefined;
    client.on('error', (error) => {
      lost = error;
    });
    try {
      await runMigrations(client, this.schema);
    } finally {
      client.removeAllListeners('error');
      client.on('error', () => undefined);
      client.release(lost !== undefined);
    }
  }
}

class PacedBackend extends PostgresQueueBackend {
  override async moveToActive(token: string, name?: string): ReturnType<PostgresQueueBackend['moveToActive']> {
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      await sleep(PAUSE_AFTER_FAILED_FETCH_MS, undefined, { ref: false });
      throw error;
    }
  }
}

export function createResumingPostgresBackend(url: string): QueueBackendFactory {
  return (name, options, extra = {}) => {
    const forWorker = extra.withBlockingConnection === true;
    const connection = { ...POOL, connectionString: url, max: forWorker ? 3 : 2 };
    const listenName = forWorker ? name : undefined;
    return new PacedBackend(new ResumingConnection(connection), name, { ...options, connection }, true, listenName);
  };
}
