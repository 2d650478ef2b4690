/** REST: the reading side, and what bad questions and a database that is gone get. */
import { RepairsAnswer } from '@tapecast/contracts/actions';
import { Forecast } from '@tapecast/contracts/forecast';
import { PricesAnswer, Problem, Readiness, TickersAnswer } from '@tapecast/contracts/rest';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase } from '@tapecast/db/database';
import { saveForecasts } from '@tapecast/db/forecasts';
import { recordPoll } from '@tapecast/db/feed';
import { scanSeries } from '@tapecast/ingest/bar-repair/scan';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RestApi } from '../../apps/web/server/rest/rest-api.ts';
import { createWorld, T0, watch, type World } from './hub-world.ts';

let world: World;
let rest: RestApi;
const forecast = { ticker: 'MSFT', resolution: '1h', source: 'test', levels: [0.05, 0.5, 0.95] } as const;
const forecastAt = (madeAt: number, value: number) => ({
  ...forecast,
  madeAt: unixSeconds(madeAt),
  models: [
    {
      model: 'drift',
      shown: true,
      points: [{ targetTime: unixSeconds(madeAt), values: [value - 1, value, value + 1] }],
    },
  ],
});

async function saveForecast(madeAt: number, value: number): Promise<void> {
  const db = openDatabase({ url: world.database.asRole('tapecast_forecaster'), applicationName: 'test forecaster' });
  await saveForecasts(db, forecastAt(madeAt, value));
  await db.close();
}

beforeAll(async () => {
  world = await createWorld({
    tickers: ['MSFT', 'TSLA', '^GSPC'],
    services: { allowedOrigins: ['https://app.example'] },
  });
  rest = world.services.rest;
  await world.write(
    '1h',
    'MSFT',
    [0, 1, 2, 3, 4].map((hour) => [T0 + 3_600 * hour, 10 + hour + 0.1]),
  );
  await world.write('1d', 'TSLA', [
    [T0 - (T0 % 86_400) - 86_400, 200],
    [T0 - (T0 % 86_400), 210],
  ]);
  await recordPoll(world.db, { source: 'yahoo', pollSeconds: 60, ok: true });
  await world.sql(
    `INSERT INTO stock_quotes (ticker, price, previous_close, quote_time, received_at, market_state, source, bar_1d, bar_1m, bar_1h)
     VALUES ('MSFT', 110, 100, now(), now(), 'REGULAR', 'yahoo', now(), now(), now())`,
  );
});
afterAll(async () => {
  await world.close();
});

const get = (path: string, headers: Record<string, string> = {}) => new Request(`http://localhost${path}`, { headers });
const prices = (ticker: string, query = '', headers = {}) =>
  rest.prices(get(`/api/v1/prices/${ticker}${query}`, headers), ticker);

async function problemOf(answer: Promise<Response>): Promise<Problem> {
  const response = await answer;
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = Problem.parse(await response.json());
  expect(problem.status).toBe(response.status);
  return problem;
}

describe('prices', () => {
  it('answers the newest bars of the range, rising', async () => {
    const all = PricesAnswer.parse(await (await prices('MSFT')).json());
    expect(all.bars.map(([time]) => time)).toEqual([0, 1, 2, 3, 4].map((hour) => T0 + 3_600 * hour));
    expect(all.bars[0]).toEqual([T0, 10.1, 10.1, 10.1, 10.1, 1]);
    const two = PricesAnswer.parse(await (await prices('msft', `?limit=2&to=${T0 + 3 * 3_600}`)).json());
    expect(two.bars.map(([time]) => time)).toEqual([T0 + 2 * 3_600, T0 + 3 * 3_600]);
    const iso = PricesAnswer.parse(
      await (await prices('MSFT', `?from=${new Date((T0 + 4 * 3_600) * 1_000).toISOString()}`)).json(),
    );
    expect(iso.bars).toHaveLength(1);
    expect(all.revision).toBeGreaterThan(0);
  });

  it('streams CSV where that is wanted', async () => {
    const response = await prices('MSFT', `?to=${T0 + 3_600}`, { accept: 'text/csv' });
    expect(response.headers.get('content-type')).toContain('text/csv');
    const first = new Date(T0 * 1_000).toISOString();
    const second = new Date((T0 + 3_600) * 1_000).toISOString();
    expect(await response.text()).toBe(
      `time,open,high,low,close,volume\n${first},10.1,10.1,10.1,10.1,1\n${second},11.1,11.1,11.1,11.1,1\n`,
    );
  });

  it('leads from page to page by its Link, until there are no older bars', async () => {
    const times: number[] = [];
    let next: string | undefined = '/api/v1/prices/MSFT?limit=2';
    let pages = 0;
    while (next !== undefined) {
      const response = await rest.prices(get(next), 'MSFT');
      times.unshift(...PricesAnswer.parse(await response.json()).bars.map(([time]) => time));
      next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
      pages += 1;
    }
    expect(times).toEqual([0, 1, 2, 3, 4].map((hour) => T0 + 3_600 * hour));
    expect(pages).toBe(3);
  });

  it('answers 304 to who holds the newest, and the bars once one changed', async () => {
    const first = await prices('TSLA', '?resolution=1d');
    const etag = first.headers.get('etag') ?? '';
    const again = await prices('TSLA', '?resolution=1d', { 'if-none-match': `"other", ${etag}` });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await prices('TSLA', '?resolution=1d&limit=1', { 'if-none-match': etag })).status).toBe(200);
    await world.write('1d', 'TSLA', [[T0 - (T0 % 86_400) - 86_400, 201]]);
    expect((await prices('TSLA', '?resolution=1d', { 'if-none-match': etag })).status).toBe(200);
    await world.write('1d', 'TSLA', [[T0 - (T0 % 86_400) - 86_400, 200]]);
  });

  it.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip;q=1, br;q=0', 'gzip', gunzipSync],
  ])('compresses for who accepts %s', async (accept, encoding, decompress) => {
    const long = Array.from({ length: 200 }, (_, minute): [number, number] => [T0 + 60 * minute, minute + 0.5]);
    await world.write('1m', 'TSLA', long);
    const plain = await (await prices('TSLA', '?resolution=1m')).text();
    for (const type of ['application/json', 'text/csv']) {
      const response = await prices('TSLA', '?resolution=1m', { 'accept-encoding': accept, accept: type });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(response.headers.get('vary')).toContain('accept-encoding');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.length).toBeLessThan(plain.length / 2);
      if (type === 'application/json') expect(decompress(bytes).toString()).toBe(plain);
      else expect(decompress(bytes).toString().split('\n')).toHaveLength(202);
    }
    const identity = await prices('TSLA', '?resolution=1m', { 'accept-encoding': 'identity, *;q=0' });
    expect(identity.headers.get('content-encoding')).toBeNull();
  });

  it('lets caches keep what ended days ago, and nothing that may still change', async () => {
    const old = await prices('MSFT', '?to=2020-01-01');
    expect(old.headers.get('cache-control')).toContain('s-maxage');
    for (const query of ['', `?to=${Math.floor(Date.now() / 1_000)}`, '?from=2020-01-01']) {
      expect((await prices('MSFT', query)).headers.get('cache-control')).toBe('no-cache');
    }
  });

  it('names every parameter that is wrong', async () => {
    const problem = await problemOf(prices('MSFT', '?resolution=2h&limit=0&from=yesterday'));
    expect(problem.status).toBe(400);
    expect(problem.errors?.map(({ name }) => name).sort()).toEqual(['from', 'limit', 'resolution']);
  });

  it.each(['NOPE', "'; DROP TABLE series; --", '%00', ''])('says that there is no ticker %j', async (name) => {
    expect((await problemOf(prices(encodeURIComponent(name)))).status).toBe(404);
  });
});

it('lists tickers with price, change and freshness, from quotes or else from the last bars', async () => {
  await vi.waitFor(async () => {
    const tickers = TickersAnswer.parse(await (await rest.tickers(get('/api/v1/tickers'))).json());
    const byName = new Map(tickers.map((ticker) => [ticker.ticker as string, ticker]));
    expect([...byName.keys()]).toEqual(['MSFT', 'TSLA', '^GSPC']);
    expect(byName.get('MSFT')).toMatchObject({
      price: 110,
      previousClose: 100,
      change: 10,
      changePercent: 10,
      freshness: { state: 'live' },
    });
    expect(byName.get('TSLA')).toMatchObject({
      price: 210,
      previousClose: 200,
      change: 10,
      changePercent: 5,
      freshness: { state: 'stale' },
    });
    expect(byName.get('^GSPC')).toMatchObject({ price: null, change: null });
  });
});

it('gives the newest forecast, or the one known at asOf, and pushes new ones to who watches', async () => {
  const ask = (query = '') => rest.forecast(get(`/api/v1/forecasts/MSFT${query}`), 'MSFT');
  expect((await problemOf(ask())).status).toBe(404);
  const seen = watch(world.client(), 'MSFT', '1h');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
  await saveForecast(T0, 50);
  await vi.waitFor(() => expect(seen.forecasts.at(-1)).toMatchObject({ madeAt: T0 }), { timeout: 10_000 });
  await saveForecast(T0 + 3_600, 60);
  await vi.waitFor(() =>
    expect(seen.forecasts.at(-1)).toMatchObject({ madeAt: T0 + 3_600, points: [[T0 + 3_600, 59, 60, 61]] }),
  );
  expect(Forecast.parse(await (await ask()).json()).madeAt).toBe(T0 + 3_600);
  expect(Forecast.parse(await (await ask(`?asOf=${T0 + 60}`)).json()).madeAt).toBe(T0);
  expect((await problemOf(ask('?resolution=5m'))).status).toBe(400);
  const late = watch(world.client(), 'MSFT', '1h');
  await vi.waitFor(() => expect(late.forecasts.at(-1)).toMatchObject({ madeAt: T0 + 3_600 }), { timeout: 10_000 });
});

it('lets pages of named origins read, and no others', async () => {
  const ask = (origin: string) => rest.tickers(get('/api/v1/tickers', { origin }));
  expect((await ask('https://app.example')).headers.get('access-control-allow-origin')).toBe('https://app.example');
  expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  const question = new Request('http://localhost/api/v1/tickers', {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example' },
  });
  const answer = await rest.notAllowed(question, 'GET');
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example']);
});

it('tells the bars that were repaired, as they came and as they are', async () => {
  const day = T0 - (T0 % 86_400) - 60 * 86_400;
  const closes = Array.from({ length: 30 }, (_, at): [number, number] => [day + at * 86_400, at === 20 ? 9_900 : 100]);
  await world.write('1d', '^GSPC', closes);
  const { signal } = new AbortController();
  expect(await scanSeries(world.db, { ticker: '^GSPC', resolution: '1d', signal })).toMatchObject({ changed: 1 });
  const ask = (path: string) => rest.repairs(get(`/api/v1/repairs/${path}`), path.split('?')[0] ?? '');
  const { repairs } = RepairsAnswer.parse(await (await ask('^GSPC')).json());
  expect(repairs).toMatchObject([
    { resolution: '1d', time: day + 20 * 86_400, rule: 'unit', state: 'repaired', old: Array(4).fill(9_900) },
  ]);
  expect(repairs[0]?.new).toEqual(Array(4).fill(expect.closeTo(99, 9)));
  expect(await (await ask('^GSPC?resolution=1h')).json()).toEqual({ ticker: '^GSPC', repairs: [] });
  expect((await ask('NOPE')).status).toBe(404);
  expect((await ask('^GSPC?resolution=2h')).status).toBe(400);
});

it('is alive and ready, refuses writes, and describes itself', async () => {
  expect((await rest.healthz(get('/healthz'))).status).toBe(200);
  expect(Readiness.parse(await (await rest.readyz(get('/readyz'))).json())).toEqual({ ready: true, reasons: [] });
  expect((await problemOf(rest.write(get('/api/v1/tickers')))).status).toBe(403);
  expect((await problemOf(rest.notFound(get('/api/v9/x')))).detail).toContain('/api/v9/x');
  const document = (await (await rest.openapi(get('/api/openapi.json'))).json()) as {
    openapi: string;
    paths: Record<string, { get: { parameters: { name: string }[] } }>;
  };
  expect(document.openapi).toBe('3.1.0');
  expect(document.paths['/api/v1/prices/{ticker}']?.get.parameters.map(({ name }) => name)).toEqual([
    'ticker',
    'resolution',
    'from',
    'to',
    'limit',
  ]);
});
