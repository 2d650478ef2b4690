/** Scoring: every stored forecast against the bar that closed, exactly once, whatever order things come in. */
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { Scorecard } from '@tapecast/contracts/scores';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { saveBacktest, saveForecasts, type ForecastSet } from '@tapecast/db/forecasts';
import { readScorecard } from '@tapecast/db/scores-read';
import { listNewestKeys, scoreForecasts } from '@tapecast/db/scores-write';
import { ensureTickers } from '@tapecast/db/tickers';
import { withdrawBars, writeBars } from '@tapecast/db/write-bars';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const HOUR = 3_600;
const T0 = Date.UTC(2026, 5, 1) / 1_000;
const RISING = Array.from({ length: 11 }, (_, i) => 100 + i);

let server: TestDatabase;
let ingestor: Database;
let forecaster: Database;
let web: Database;
let tickers = 0;
let ticker: string;

beforeAll(async () => {
  server = await createDatabase();
  ingestor = openDatabase({ url: server.asRole('tapecast_ingestor'), applicationName: 'test ingestor' });
  forecaster = openDatabase({ url: server.asRole('tapecast_forecaster'), applicationName: 'test forecaster' });
  web = openDatabase({ url: server.asRole('tapecast_web'), applicationName: 'test web' });
});
beforeEach(async () => {
  ticker = `T${tickers++}`;
  await ensureTickers(ingestor, [ticker]);
  await write(-10, RISING);
});
afterAll(async () => {
  await Promise.all([ingestor.close(), forecaster.close(), web.close()]);
  await server.drop();
});

const hour = (index: number) => unixSeconds(T0 + index * HOUR);

/** Bars from the one with this index on; the last one before a forecast of `madeAt` 0 has the index −1. */
async function write(from: number, closes: number[], of = ticker): Promise<void> {
  const rows = closes.map((close, i) => {
    const prices = { open: close, high: close, low: close, close, closeAdj: null, volume: 1 };
    return { time: hour(from + i), ticker: of, ...prices, source: 'test' };
  });
  await writeBars(ingestor, '1h', rows);
}

/** Last price 110 (widths ±10 over the levels) beside a drift that is `shift` higher. */
function set(facts: Partial<ForecastSet> & { at?: number; horizon?: number; shift?: number } = {}): ForecastSet {
  const { at = 1, horizon = 3, shift = 2, ...more } = facts;
  const points = (middle: number) =>
    Array.from({ length: horizon }, (_, step) => ({
      targetTime: hour(at + step),
      values: QUANTILE_LEVELS.map((level) => middle + (level - 0.5) * 20),
    }));
  return {
    ticker,
    resolution: '1h',
    madeAt: hour(at),
    source: 'yahoo',
    levels: QUANTILE_LEVELS,
    models: [
      { model: 'last-price', shown: true, points: points(110) },
      { model: 'drift', shown: false, points: points(110 + shift) },
    ],
    ...more,
  };
}

const score = (closed: number, of = ticker) =>
  scoreForecasts(forecaster, [{ ticker: of, resolution: '1h', closedUntil: hour(closed) }]);

async function scores(kind = 'live') {
  const { rows } = await sql<Record<string, unknown> & { model: string; step: number; source: string }>`
    SELECT * FROM forecast_scores WHERE ticker = ${ticker} AND kind = ${kind} ORDER BY model DESC, made_at, target_time`.execute(
    web.kysely,
  );
  return rows;
}

describe('scoreForecasts', () => {
  it('compares each closed target of each model with the close and with the last price', async () => {
    await saveForecasts(forecaster, set());
    await write(1, [115, 111, 130]);
    // The third bar is still open.
    expect(await score(2)).toEqual({ scored: 4, withdrawn: 0 });
    const [first, second, drift] = await scores();
    expect(first).toMatchObject({ model: 'last-price', step: 1, shown: true, actual: 115, abs_error: 5 });
    expect(first).toMatchObject({ naive_abs_error: 5, mase_scale: 1, source: 'yahoo' });
    // 115 lies on the 75 % quantile and inside of all wider bands.
    expect(first).toMatchObject({ covered_50: true, covered_80: true, covered_90: true, covered_95: true });
    const losses = QUANTILE_LEVELS.map((level) => {
      const miss = 115 - (110 + (level - 0.5) * 20);
      return miss >= 0 ? level * miss : (level - 1) * miss;
    });
    const pinball = losses.reduce((a, b) => a + b, 0) / losses.length;
    expect(first?.['pinball_loss']).toBeCloseTo(pinball, 12);
    expect(second).toMatchObject({ step: 2, actual: 111, abs_error: 1 });
    expect(drift).toMatchObject({ model: 'drift', step: 1, shown: false, abs_error: 3, naive_abs_error: 5 });
    expect(drift?.['naive_pinball_loss']).toBeCloseTo(pinball, 12);
    expect(await score(3)).toEqual({ scored: 2, withdrawn: 0 });
    expect((await scores()).at(2)).toMatchObject({ step: 3, actual: 130, covered_50: false, covered_95: false });
  });

  it('changes nothing when it runs again', async () => {
    await saveForecasts(forecaster, set());
    await write(1, [115, 111, 130]);
    await score(3);
    const before = await scores();
    expect(await score(3)).toEqual({ scored: 0, withdrawn: 0 });
    expect(await score(1)).toEqual({ scored: 0, withdrawn: 0 });
    expect(await scores()).toEqual(before);
  });

  it('two at once score each point once', async () => {
    const many = Array.from({ length: 30 }, (_, i) => `${ticker}X${i}`);
    await ensureTickers(ingestor, many);
    for (const each of many) {
      await write(-10, RISING, each);
      await saveForecasts(forecaster, set({ ticker: each }));
      await write(1, [115, 111, 130], each);
    }
    const series = many.map((each) => ({ ticker: each, resolution: '1h' as const, closedUntil: hour(3) }));
    const counts = await Promise.all([series, series.toReversed(), series].map((s) => scoreForecasts(forecaster, s)));
    expect(counts.reduce((sum, { scored }) => sum + scored, 0)).toBe(30 * 6);
  });

  it('scores a corrected bar anew, and leaves a restated history alone', async () => {
    await saveForecasts(forecaster, set());
    await write(1, [115, 111, 130]);
    await score(3);
    await write(1, [116]);
    expect(await score(3)).toEqual({ scored: 2, withdrawn: 0 });
    expect((await scores()).map((row) => row['actual'])).toEqual([116, 111, 130, 116, 111, 130]);
    // A split of 2 for 1: the vendor halves all that was before.
    await write(
      -10,
      [...RISING, 116, 111, 130].map((close) => close / 2),
    );
    expect(await score(3)).toEqual({ scored: 0, withdrawn: 0 });
    expect((await scores())[0]).toMatchObject({ actual: 116, abs_error: 6, mase_scale: 1 });
  });

  it('a bar that was withdrawn leaves no score; one that comes back is scored', async () => {
    await saveForecasts(forecaster, set());
    await write(1, [115, 111, 130]);
    await withdrawBars(ingestor, '1h', ticker, [hour(2)]);
    expect(await score(3)).toEqual({ scored: 4, withdrawn: 0 });
    await withdrawBars(ingestor, '1h', ticker, [hour(1)]);
    expect(await score(3)).toEqual({ scored: 0, withdrawn: 2 });
    expect((await scores())[0]).toMatchObject({ actual: null, abs_error: null, covered_90: null });
    expect((await readScorecard(web, { ticker, resolution: '1h', kind: 'live' })).shown?.overall.points).toBe(1);
    await write(1, [117, 112]);
    expect(await score(3)).toEqual({ scored: 4, withdrawn: 0 });
  });

  it('scores a forecast that was stored after its targets had closed', async () => {
    await write(1, [115, 111, 130]);
    await saveForecasts(forecaster, set({ at: 3, horizon: 1 }));
    await score(3);
    await saveForecasts(forecaster, set());
    expect(await score(3)).toEqual({ scored: 6, withdrawn: 0 });
    expect(await scores()).toHaveLength(8);
  });

  it('a late forecast is found although it is stored while others are scored', async () => {
    await write(
      1,
      Array.from({ length: 40 }, (_, i) => 110 + (i % 3)),
    );
    await saveForecasts(forecaster, set());
    const late = Array.from({ length: 30 }, (_, i) => saveForecasts(forecaster, set({ at: i + 2 })));
    const rounds = Array.from({ length: 10 }, () => score(40));
    await Promise.all([...late, ...rounds]);
    await score(40);
    expect(await scores()).toHaveLength(31 * 6);
  });

  it('looks at everything again when the history is another one', async () => {
    await saveForecasts(forecaster, set());
    await write(1, [115, 111, 130]);
    await score(3);
    await asOwner(`DELETE FROM stock_prices_1h WHERE ticker = '${ticker}' AND time = to_timestamp(${hour(2)})`);
    expect(await score(3)).toEqual({ scored: 0, withdrawn: 2 });
  });

  it('takes the scale from bars that were known, by the exchange’s date for days', async () => {
    const day = (index: number) => unixSeconds(T0 + index * 86_400);
    const bars = [10, 12, 11, 99].map((close, i) => ({ time: day(i), close, open: close, high: close, low: close }));
    const more = { ticker, closeAdj: null, volume: null, source: 'test' };
    await writeBars(
      ingestor,
      '1d',
      bars.map((bar) => ({ ...bar, ...more })),
    );
    const points = [{ targetTime: day(3), values: QUANTILE_LEVELS.map((level) => 10.5 + level) }];
    const models = [{ model: 'last-price', shown: true, points }];
    // The close of the third day, UTC: the midnight that begins the fourth.
    await saveForecasts(forecaster, { ...set(), resolution: '1d', madeAt: day(3), models });
    await scoreForecasts(forecaster, [{ ticker, resolution: '1d', closedUntil: day(3) }]);
    expect(await scores()).toMatchObject([{ actual: 99, abs_error: 88, mase_scale: 1.5 }]);
  });

  it('handles thousands of due points in one go', async () => {
    await write(
      1,
      Array.from({ length: 60 }, (_, i) => 110 + (i % 5)),
    );
    for (let at = 1; at <= 40; at++) await saveForecasts(forecaster, set({ at, horizon: 20 }));
    expect(await score(60)).toEqual({ scored: 40 * 20 * 2, withdrawn: 0 });
  });
});

describe('backtests', () => {
  it('are scored as such, and are in no forecast and no live scorecard', async () => {
    await write(1, [115, 111, 130]);
    expect(await saveBacktest(forecaster, set())).toEqual({ inserted: 6 });
    expect(await saveBacktest(forecaster, set())).toEqual({ inserted: 0 });
    expect(await score(3)).toEqual({ scored: 6, withdrawn: 0 });
    expect(await scores('live')).toEqual([]);
    expect(await scores('backtest')).toHaveLength(6);
    expect((await readScorecard(web, { ticker, resolution: '1h', kind: 'live' })).shown).toBeNull();
    expect((await readScorecard(web, { ticker, resolution: '1h', kind: 'backtest' })).models).toHaveLength(2);
  });
});

describe('readScorecard', () => {
  it('is empty before anything was scored', async () => {
    expect(Scorecard.parse(await readScorecard(web, { ticker, resolution: '1h', kind: 'live' }))).toEqual({
      ticker,
      resolution: '1h',
      kind: 'live',
      simulated: false,
      from: null,
      to: null,
      shown: null,
      models: [],
    });
  });

  it('tells per model and horizon what the scores tell, and says so of simulated prices', async () => {
    await saveForecasts(forecaster, set({ source: 'simulated' }));
    await write(1, [115, 111, 130]);
    await score(3);
    const card = Scorecard.parse(await readScorecard(web, { ticker, resolution: '1h', kind: 'live' }));
    expect(card).toMatchObject({ simulated: true, from: hour(1), to: hour(1) });
    const drift = card.models.find(({ model }) => model === 'drift');
    expect(drift?.horizons.map(({ step, mase }) => [step, mase])).toEqual([
      [1, 3],
      [2, 1],
      [3, 18],
    ]);
    expect(drift?.overall).toMatchObject({ n: 1, points: 3, mase: 22 / 3, verdict: 'too-few', pValue: null });
    const { pinballLoss = 0, naivePinballLoss = 0, skill, coverage } = drift?.overall ?? {};
    expect(skill).toBeCloseTo(1 - pinballLoss / (naivePinballLoss ?? 0), 12);
    expect(coverage?.['90']).toBeCloseTo(2 / 3, 12);
    expect(card.shown?.overall).toMatchObject({ n: 1, points: 3, skill: 0 });
    expect(card.models.find(({ model }) => model === 'last-price')?.overall.verdict).toBe('reference');
  });

  it('claims skill where it is sure, and only there', async () => {
    const closes = Array.from({ length: 80 }, (_, i) => 112 + Math.sin(i * i) / 2);
    await write(1, closes);
    for (let at = 1; at <= 20; at++) await saveForecasts(forecaster, set({ at, horizon: 1 }));
    await score(20);
    const of = async () => (await readScorecard(web, { ticker, resolution: '1h', kind: 'live' })).models[0]?.overall;
    expect(await of()).toMatchObject({ n: 20, verdict: 'too-few' });
    for (let at = 21; at <= 40; at++) await saveForecasts(forecaster, set({ at, horizon: 1 }));
    await score(40);
    expect(await of()).toMatchObject({ n: 40, verdict: 'better', middle: { verdict: 'better' } });
    expect((await of())?.pValue).toBeLessThan(0.01);
  });
});

it('listNewestKeys finds the two newest bars of each series', async () => {
  const found = (await listNewestKeys(forecaster)).filter((each) => each.ticker === ticker);
  expect(found).toEqual([{ ticker, resolution: '1h', keys: [hour(-1), hour(0)] }]);
});

it('only the forecaster scores', async () => {
  await saveForecasts(forecaster, set());
  for (const db of [ingestor, web]) {
    await expect(
      scoreForecasts(db, [{ ticker, resolution: '1h', closedUntil: hour(3) }]),
      'no permission',
    ).rejects.toThrow(/permission denied/);
  }
});

async function asOwner(statement: string): Promise<void> {
  const db = openDatabase({ url: server.url, applicationName: 'test owner' });
  await sql.raw(statement).execute(db.kysely);
  await db.close();
}
