/** Everything behind the web service's HTTP server: the database, the hub, the REST handlers. */
import type { Server as HttpServer } from 'node:http';
import { openDatabase, type Database } from '@tapecast/db/database';
import type { Logger } from '@tapecast/runtime/logger';
import type { Registry } from 'prom-client';
import { Hub } from './hub/hub.ts';
import { createHubMetrics } from './hub/metrics.ts';
import { attachSocketServer, type SocketServer } from './hub/socket-server.ts';
import { StatusBoard } from './hub/status-board.ts';
import { createRestApi, type RestApi } from './rest/rest-api.ts';

export interface WebServicesOptions {
  databaseUrl: string;
  listenUrl: string;
  logger: Logger;
  registry: Registry;
  flushIntervalMs?: number;
  sweepMs?: number;
  maxSeriesPerSocket?: number;
}

export interface WebServices {
  readonly db: Database;
  readonly hub: Hub;
  readonly rest: RestApi;
  attach(http: HttpServer): SocketServer;
  close(): Promise<void>;
}

/** A query of the hub that takes longer than this is as good as a database that is gone. */
const QUERY_TIMEOUT_MS = 10_000;

export function openWebServices(options: WebServicesOptions): WebServices {
  const { logger } = options;
  const db = openDatabase({
    url: options.databaseUrl,
    applicationName: 'tapecast-web',
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    onError: (err) => logger.warn({ err }, 'an idle database connection broke'),
  });
  const metrics = createHubMetrics(options.registry);
  const board = new StatusBoard(db);
  const hub = new Hub({
    db,
    listenUrl: options.listenUrl,
    board,
    logger,
    metrics,
    ...(options.flushIntervalMs === undefined ? {} : { flushIntervalMs: options.flushIntervalMs }),
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
  });
  hub.start();
  const maxSeriesPerSocket = options.maxSeriesPerSocket ?? 2_000;
  return {
    db,
    hub,
    rest: createRestApi({ db, hub, board, logger }),
    attach: (http) => attachSocketServer(http, { hub, metrics, logger, maxSeriesPerSocket }),
    async close() {
      await hub.close();
      await db.close();
    },
  };
}
