/** Chooses the server behind QUEUE_URL. Everything above this file is the same for Redis and PostgreSQL. */
import { createRedisBackend } from 'bullmq';
import type { QueueBackendFactory } from './backend-factory.ts';
import { createResumingPostgresBackend } from './postgres-backend.ts';

const REDIS_SCHEMES = new Set(['redis:', 'rediss:']);
const POSTGRES_SCHEMES = new Set(['postgres:', 'postgresql:']);
const LONGEST_RECONNECT_PAUSE_MS = 2_000;
/** Well above the 10 s for which a worker's connection may wait for a job. */
const ANSWER_WITHIN_MS = 20_000;

/** @throws {TypeError} when the URL is malformed or names neither Redis nor PostgreSQL */
export function backendFor(url: string): QueueBackendFactory {
  const { protocol } = new URL(url);
  if (REDIS_SCHEMES.has(protocol)) return redisBackend(url);
  if (POSTGRES_SCHEMES.has(protocol)) return createResumingPostgresBackend(url);
  throw new TypeError(`QUEUE_URL must begin with redis://, rediss:// or postgres://, not ${protocol}//`);
}

/** One connection for each producer, two for each worker (one of them blocks on the next job). */
function redisBackend(url: string): QueueBackendFactory {
  const connection = {
    url,
    // Commands wait for the server to come back; the producer's own deadline tells its caller meanwhile.
    maxRetriesPerRequest: null,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    // A server whose machine vanished under a command: TCP would wait for it for a quarter of an hour, and the worker take no jobs.
    socketTimeout: ANSWER_WITHIN_MS,
    retryStrategy: (attempt: number) => Math.min(attempt * 100, LONGEST_RECONNECT_PAUSE_MS),
  };
  return (name, options, extra) => createRedisBackend(name, { ...options, connection }, extra);
}
