/**
 * A local Yahoo: answers what yahoo-finance2 asks, from recorded replies. Price, time and market state move at every
 * poll; faults can be switched on. By hand: `POST /__fault?mode=429`, `POST /__fault?mode=none`, `GET /__served?symbol=AAPL`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chartReply, type PlantedBar, type StubEvents } from './charts.ts';
import { createStubMarket, type Served } from './market.ts';
import { loadRecordings, type Json } from './recordings.ts';

export const FAULTS = [
  '429',
  '500',
  'html',
  'silence',
  'null-closes',
  'frozen-time',
  'crumb-401',
  'truncated',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface YahooStub {
  readonly origin: string;
  /** Path and query of every request, in order. */
  readonly requests: string[];
  /** What is wrong with the vendor; null when nothing is. */
  fault: Fault | null;
  /** Makes every session that was handed out invalid. */
  endSessions(): void;
  /** From now on the symbol's made-up prices are those of the new shares, and charts over `date` tell the split. */
  split(symbol: string, split: { date: number; numerator: number; denominator: number }): void;
  /** From now on charts over `date` tell the dividend, and adjusted closes know it. */
  dividend(symbol: string, dividend: { date: number; amount: number }): void;
  /** A chart's bar that is wrong from now on; null mends it. */
  plant(symbol: string, interval: '1m' | '1h' | '1d', time: number, bar: PlantedBar | null): void;
  /** Prices that were served, in order. */
  served(symbol: string): readonly Served[];
  close(): Promise<void>;
}

export interface YahooStubOptions {
  /** Folder with recorded replies under `yahoo/`; default TEST_DATA_DIR. */
  dataDir?: string | undefined;
  port?: number;
  host?: string;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Symbols that the vendor does not know. */
  unknown?: readonly string[];
  /** Bars that the vendor does not have, by the time at which they begin. */
  lacks?(symbol: string, interval: string, time: number): boolean;
  /** Called with path and query as soon as a request arrives. */
  onRequest?(request: string): void;
}

export async function startYahoo(options: YahooStubOptions = {}): Promise<YahooStub> {
  const { port = 0, host = '127.0.0.1', now = Date.now, unknown = [], lacks, onRequest } = options;
  const recordings = loadRecordings('dataDir' in options ? options.dataDir : process.env['TEST_DATA_DIR']);
  const market = createStubMarket(recordings);
  const requests: string[] = [];
  let fault: Fault | null = null;
  let session = 1;
  const events = new Map<string, StubEvents>();
  const eventsOf = (symbol: string): StubEvents => {
    const known = events.get(symbol) ?? { dividends: [], splits: [] };
    events.set(symbol, known);
    return known;
  };
  const planted = new Map<string, Map<number, PlantedBar>>();
  const plantedIn = (symbol: string, interval: string) => {
    const known = planted.get(`${symbol} ${interval}`) ?? new Map<number, PlantedBar>();
    planted.set(`${symbol} ${interval}`, known);
    return known;
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://yahoo.test');
    if (url.pathname.startsWith('/__')) return control(url, response);
    requests.push(url.pathname + url.search);
    onRequest?.(url.pathname + url.search);
    if (answerWithFault(response)) return;
    if (url.pathname === '/v1/test/getcrumb') return crumb(request, response);
    if (url.pathname === '/v7/finance/quote') return quotes(request, url, response);
    if (url.pathname.startsWith('/v8/finance/chart/')) return chart(url, response);
    // Any other page hands out the cookie, as finance.yahoo.com and fc.yahoo.com do.
    response.setHeader(
      'set-cookie',
      `A3=session${session}; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure; HttpOnly`,
    );
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Yahoo</title>');
  });

  function answerWithFault(response: ServerResponse): boolean {
    if (fault === '429') response.writeHead(429, { 'content-type': 'text/plain' }).end('Too Many Requests\r\n');
    else if (fault === '500')
      response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Internal Server Error</h1>');
    else if (fault === 'html')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>We are sorry');
    else return fault === 'silence';
    return true;
  }

  const hasSession = (request: IncomingMessage) =>
    fault !== 'crumb-401' && (request.headers.cookie ?? '').includes(`A3=session${session}`);

  function crumb(request: IncomingMessage, response: ServerResponse): void {
    if (!hasSession(request) && fault !== 'crumb-401') return refuse(response, 'Invalid Cookie');
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`crumb${session}`);
  }

  function quotes(request: IncomingMessage, url: URL, response: ServerResponse): void {
    if (!hasSession(request) || url.searchParams.get('crumb') !== `crumb${session}`)
      return refuse(response, 'Invalid Crumb');
    const symbols = (url.searchParams.get('symbols') ?? '').split(',').filter((symbol) => symbol !== '');
    const known = symbols.filter((symbol) => !unknown.includes(symbol));
    const result = known.map((symbol): Json => {
      const quote = market.quote(symbol, now(), fault === 'frozen-time');
      return fault === 'null-closes' ? { ...quote, regularMarketPrice: null } : quote;
    });
    const made = known.filter((symbol) => market.generated(symbol));
    if (made.length > 0) response.setHeader('x-tapecast-generated', made.join(','));
    send(response, { quoteResponse: { result, error: null } });
  }

  function chart(url: URL, response: ServerResponse): void {
    const symbol = decodeURIComponent(url.pathname.slice('/v8/finance/chart/'.length));
    const interval = url.searchParams.get('interval') ?? '1d';
    if (unknown.includes(symbol)) {
      const error = { code: 'Not Found', description: 'No data found, symbol may be delisted' };
      return send(response, { chart: { result: null, error } }, 404);
    }
    if (interval !== '1m' && interval !== '1h' && interval !== '1d') return refuse(response, 'interval', 422);
    const seconds = Math.floor(now() / 1_000);
    const from = Number(url.searchParams.get('period1') ?? 0);
    const to = Number(url.searchParams.get('period2') ?? seconds);
    const day = 86_400;
    if (interval === '1m' && (to - from > 8 * day || from < seconds - 30 * day)) {
      const description =
        '1m data not available: the requested range must be within the last 30 days and at most 8 days';
      return send(response, { chart: { result: null, error: { code: 'Unprocessable Entity', description } } }, 422);
    }
    if (interval === '1h' && from < seconds - 730 * day) {
      const description = '1h data not available: the requested range must be within the last 730 days';
      return send(response, { chart: { result: null, error: { code: 'Unprocessable Entity', description } } }, 422);
    }
    const range = { symbol, interval, from, to, now: seconds } as const;
    const bent = {
      hasBar: (time: number) => lacks?.(symbol, interval, time) !== true,
      nullCloses: fault === 'null-closes',
      events: eventsOf(symbol),
      planted: plantedIn(symbol, interval),
    };
    const reply = chartReply(recordings, market, { ...range, ...bent });
    if (reply.generated) response.setHeader('x-tapecast-generated', symbol);
    send(response, reply.body);
  }

  function send(response: ServerResponse, body: Json, status = 200): void {
    const text = JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' });
    response.end(fault === 'truncated' ? text.slice(0, text.length / 2) : text);
  }

  function refuse(response: ServerResponse, description: string, status = 401): void {
    send(response, { finance: { result: null, error: { code: 'Unauthorized', description } } }, status);
  }

  function control(url: URL, response: ServerResponse): void {
    const mode = url.searchParams.get('mode');
    if (url.pathname === '/__served')
      return send(response, { served: market.served(url.searchParams.get('symbol') ?? '') });
    if (url.pathname !== '/__fault') return refuse(response, 'ask /__fault or /__served', 404);
    const found = FAULTS.find((name) => name === mode) ?? null;
    if (found === null && mode !== 'none') return refuse(response, `mode is none or one of ${FAULTS.join(', ')}`, 400);
    fault = found;
    response.writeHead(200).end(`${mode}\n`);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    origin: `http://${host}:${bound}`,
    requests,
    get fault() {
      return fault;
    },
    set fault(value) {
      fault = value;
    },
    endSessions: () => {
      session += 1;
    },
    split: (symbol, { date, numerator, denominator }) => {
      market.split(symbol, numerator / denominator);
      eventsOf(symbol).splits.push({ date, numerator, denominator, splitRatio: `${numerator}:${denominator}` });
    },
    dividend: (symbol, dividend) => void eventsOf(symbol).dividends.push(dividend),
    plant: (symbol, interval, time, bar) => {
      if (bar === null) plantedIn(symbol, interval).delete(time);
      else plantedIn(symbol, interval).set(time, bar);
    },
    served: (symbol) => market.served(symbol),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
