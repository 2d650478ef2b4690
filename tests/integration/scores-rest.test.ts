/** GET /api/v1/scores/{ticker}: its shape, its mark of simulated prices, and what bad questions get. */
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { Problem } from '@tapecast/contracts/rest';
import { Scorecard } from '@tapecast/contracts/scores';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase } from '@tapecast/db/database';
import { saveBacktest, saveForecasts } from '@tapecast/db/forecasts';
import { scoreForecasts } from '@tapecast/db/scores-write';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorld, T0, type World } from './hub-world.ts';

let world: World;
const HOUR = 3_600;
const scores = (ticker: string, query = '') =>
  world.services.rest.scores(new Request(`http://localhost/api/v1/scores/${ticker}${query}`), ticker);

beforeAll(async () => {
  world = await createWorld({ tickers: ['MSFT', 'TSLA'] });
  const closes = Array.from({ length: 30 }, (_, i): [number, number] => [T0 + i * HOUR, 100 + (i % 7)]);
  await world.write('1h', 'MSFT', closes);
  const db = openDatabase({ url: world.database.asRole('tapecast_forecaster'), applicationName: 'test forecaster' });
  const points = Array.from({ length: 5 }, (_, step) => ({
    targetTime: unixSeconds(T0 + (20 + step) * HOUR),
    values: QUANTILE_LEVELS.map((level) => 95 + 15 * level),
  }));
  const models = ['last-price', 'drift'].map((model) => ({ model, shown: model === 'drift', points }));
  const set = {
    ticker: 'MSFT',
    resolution: '1h' as const,
    madeAt: unixSeconds(T0 + 20 * HOUR),
    levels: QUANTILE_LEVELS,
  };
  await saveForecasts(db, { ...set, source: 'simulated', models });
  await saveBacktest(db, { ...set, madeAt: unixSeconds(T0 + 19 * HOUR), source: 'yahoo', models });
  await scoreForecasts(db, [{ ticker: 'MSFT', resolution: '1h', closedUntil: unixSeconds(T0 + 29 * HOUR) }]);
  await db.close();
});
afterAll(() => world.close());

it('tells per model and horizon, in exactly the shape that is described', async () => {
  const response = await scores('MSFT', '?resolution=1h');
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  const card = Scorecard.strict().parse(body);
  expect(card).toEqual(body);
  expect(card).toMatchObject({ ticker: 'MSFT', kind: 'live', simulated: true, from: T0 + 20 * HOUR });
  expect(card.models.map(({ model, horizons }) => [model, horizons.length])).toEqual([
    ['drift', 5],
    ['last-price', 5],
  ]);
  expect(card.shown?.overall).toMatchObject({ n: 1, points: 5, skill: 0, verdict: 'too-few' });
});

it('keeps backtests apart', async () => {
  const card = Scorecard.parse(await (await scores('msft', '?kind=backtest')).json());
  expect(card).toMatchObject({ kind: 'backtest', simulated: false, from: T0 + 19 * HOUR, to: T0 + 19 * HOUR });
});

it('a ticker without scores has an empty card, an unknown one none', async () => {
  expect(Scorecard.parse(await (await scores('TSLA')).json())).toMatchObject({ shown: null, models: [] });
  const unknown = await scores('NOPE');
  expect(unknown.status).toBe(404);
  expect(Problem.parse(await unknown.json()).detail).toContain('NOPE');
});

it.each([
  ['?resolution=1m', 'resolution'],
  ['?kind=dreamt', 'kind'],
])('%s is refused by name', async (query, name) => {
  const response = await scores('MSFT', query);
  expect(response.status).toBe(400);
  expect(Problem.parse(await response.json()).errors?.[0]?.name).toBe(name);
});

it('is in the OpenAPI document', async () => {
  const document: unknown = await (await world.services.rest.openapi(new Request('http://localhost/'))).json();
  expect(document).toHaveProperty(['paths', '/api/v1/scores/{ticker}', 'get']);
});
