/** Everything behind the web service's HTTP server: the database, the hub, the REST handlers. */
import type { Server as HttpServer } from 'node:http';
import { LAB_CHANNEL } from '@tapecast/contracts/notify';
import { openDatabase, type Database } from '@tapecast/db/database';
import type { Logger } from '@tapecast/runtime/logger';
import type { Registry } from 'prom-client';
import { TrustedProxies } from './client-address.ts';
import { Hub } from './hub/hub.ts';
import { LabBoard } from './hub/lab-board.ts';
import { createHubMetrics } from './hub/metrics.ts';
import { attachSocketServer, type SocketServer } from './hub/socket-server.ts';
import { StatusBoard } from './hub/status-board.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Operators } from './operator.ts';
import { AllowedOrigins } from './origins.ts';
import { createRestApi, type RestApi } from './rest/rest-api.ts';
import { Serving } from './serving.ts';
import { startWatchReport } from './watch-report.ts';

export interface WebServicesOptions {
  databaseUrl: string;
  listenUrl: string;
  logger: Logger;
  registry: Registry;
  flushIntervalMs?: number;
  sweepMs?: number;
  /** How often it is told which tickers are watched. */
  watchReportMs?: number;
  /**
   * How long a service that was told to stop still takes everything, while it tells the edge to send nobody: longer than
   * the edge needs to notice. 0 where there is no edge.
   */
  edgeNoticeSeconds?: number;
  /** Then its clients are told to move, spread over this time. */
  drainSeconds?: number;
  /** Those left out are as in DEFAULT_LIMITS. */
  limits?: Partial<Limits>;
  /** Addresses or networks whose X-Forwarded-* is believed. */
  trustedProxies?: string[];
  /** Origins whose pages may use this server, besides its own. */
  allowedOrigins?: string[];
  /** Path below which everything is served, such as `/stocks`; empty for none. */
  basePath?: string;
  /** permessage-deflate on sockets; off by default. */
  compression?: boolean;
}

export interface WebServices {
  readonly db: Database;
  readonly hub: Hub;
  readonly rest: RestApi;
  readonly serving: Serving;
  readonly edgeNoticeMs: number;
  readonly basePath: string;
  attach(http: HttpServer): SocketServer;
  close(): Promise<void>;
}

/** A query of the hub that takes longer than this is as good as a database that is gone. */
const QUERY_TIMEOUT_MS = 10_000;
const LAB_SWEEP_MS = 3_000;

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
  const lab = new LabBoard({ db, logger, sweepMs: options.sweepMs ?? LAB_SWEEP_MS });
  const hub = new Hub({
    db,
    listenUrl: options.listenUrl,
    board,
    logger,
    metrics,
    ...(options.flushIntervalMs === undefined ? {} : { flushIntervalMs: options.flushIntervalMs }),
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    also: { channels: { [LAB_CHANNEL]: (payload) => lab.hint(payload) }, onReady: () => void lab.sweep() },
  });
  hub.start();
  const watchReport = startWatchReport({
    ...{ db, logger },
    watched: () => hub.watchedTickers(),
    ...(options.watchReportMs === undefined ? {} : { everyMs: options.watchReportMs }),
  });
  const proxies = new TrustedProxies(options.trustedProxies);
  const origins = new AllowedOrigins(options.allowedOrigins ?? [], proxies);
  const serving = new Serving(() => hub.notReady());
  const basePath = options.basePath ?? '';
  const operators = new Operators((options.trustedProxies ?? []).length > 0);
  const sockets = {
    ...{ hub, lab, metrics, logger, proxies, origins },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    path: `${basePath}/socket.io/`,
    compression: options.compression ?? false,
    drainMs: (options.drainSeconds ?? 0.5) * 1_000,
  };
  return {
    db,
    hub,
    serving,
    edgeNoticeMs: (options.edgeNoticeSeconds ?? 0) * 1_000,
    basePath,
    rest: createRestApi({ db, serving, board, logger, origins, operators, basePath }),
    attach(http) {
      operators.serves(http);
      return attachSocketServer(http, sockets);
    },
    async close() {
      lab.close();
      await Promise.all([hub.close(), watchReport.close()]);
      await db.close();
    },
  };
}
