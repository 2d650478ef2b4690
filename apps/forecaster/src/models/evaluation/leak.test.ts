import { expect, test } from 'vitest';
import { MODELS } from '../forecast.ts';
import { indicatorRows } from '../indicators.ts';
import { type Model } from '../model.ts';
import { pathsFrom } from '../origins.ts';
import { randomWalk } from '../random-walk.fixture.ts';
import { findLeak } from './leak.ts';

const closes = randomWalk({ bars: 260, seed: 21 });
const origins = [150, 200, 230];

/** As the forecaster asks: once for the whole series, at positions within it. */
function asked(model: Model, rows: (logs: Float64Array) => Float64Array[] = indicatorRows) {
  return (series: readonly number[], origin: number): Float64Array | null => {
    const logs = Float64Array.from(series, Math.log);
    const options = { model, logs, season: [5, 20], horizon: 10, origins: [origin], indicators: rows(logs) };
    return pathsFrom(options)[0] ?? null;
  };
}

test.each(MODELS)('$name knows nothing of what comes after the origin', (model) => {
  expect(asked(model)(closes, 230)).toHaveLength(10);
  expect(findLeak(closes, origins, asked(model))).toBeNull();
});

test('a planted leak is found: a model that looks behind the end of what it was given', () => {
  const cheat: Model = {
    name: 'cheat',
    path: (logs, _season, horizon) => new Float64Array(logs.buffer).slice(logs.length, logs.length + horizon),
  };
  expect(findLeak(closes, origins, asked(cheat))).toBe(150);
});

test('a planted leak is found: an indicator that is centred', () => {
  const boosted = MODELS.find(({ name }) => name === 'boosted-indicators');
  if (boosted === undefined) throw new Error('no such model');
  const centred = (logs: Float64Array): Float64Array[] =>
    indicatorRows(logs).map((row, t) => Float64Array.from([...row, (logs[t + 10] ?? 0) - (logs[t] ?? 0)]));
  expect(findLeak(closes, origins, asked(boosted, centred))).toBe(150);
});
