/**
 * How often the product says that prices can be predicted where they cannot, and where they can: simulated random walks of
 * days and of hours, and markets with a strong season, each judged by the very function that the worker calls.
 *
 *   npm run bench:forecast-claims -- [--walks 200] [--bars 130] [--seed 1] [--markets 20]
 *
 * --bars 1000 is what a worker reads; --seed sets where the walks' seeds begin, for a second opinion.
 */
import { parseArgs } from 'node:util';
import { FORECAST_HORIZONS } from '@tapecast/contracts/resolution';
import { randomWalk } from '../apps/forecaster/src/models/random-walk.fixture.ts';
import { forecastInThreads } from './forecast/threads.ts';

const { values } = parseArgs({
  options: {
    walks: { type: 'string', default: '200' },
    bars: { type: 'string', default: '130' },
    seed: { type: 'string', default: '1' },
    markets: { type: 'string', default: '20' },
  },
});
const [walks, bars, first] = [Number(values.walks), Number(values.bars), Number(values.seed)];
const markets = Number(values.markets);
/** Bars of a market with a season: enough that its longest season is seen a dozen times. */
const MARKET_BARS = Math.max(bars, 500);
const KINDS = {
  days: { season: [5], horizon: FORECAST_HORIZONS['1d'] },
  hours: { season: [7, 35], horizon: FORECAST_HORIZONS['1h'] },
};
type Kind = keyof typeof KINDS;

/** How many of these series are said to be predictable: a model other than the last price is shown. */
async function claimsOf(kind: Kind, series: number[][], what: string): Promise<number> {
  const { season, horizon } = KINDS[kind];
  const began = performance.now();
  const answers = await forecastInThreads(
    series.map((closes) => ({ closes, season, horizon })),
    () => undefined,
  );
  const claims = answers.filter(({ shown }) => shown !== null && shown !== 'last-price').length;
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(`${kind}: ${claims} of ${series.length} ${what} said to be predictable (${seconds} s)`);
  return claims;
}

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => (first + i) * 7_919);
const figures: Record<string, number> = {};
for (const kind of ['days', 'hours'] as const) {
  const [period = 1] = KINDS[kind].season;
  const walk = seeds(walks).map((seed) => randomWalk({ bars, seed }));
  figures[`claims_${kind}`] = await claimsOf(kind, walk, `random walks of ${bars} bars`);
  const seasonal = seeds(markets).map((seed) =>
    randomWalk({ bars: MARKET_BARS, seed, step: 0.002 }).map(
      (close, i) => close * Math.exp(0.02 * Math.sin((2 * Math.PI * i) / period)),
    ),
  );
  figures[`seasonal_${kind}`] = await claimsOf(kind, seasonal, `seasonal markets of ${MARKET_BARS} bars`);
}
console.log(JSON.stringify({ bench: 'forecast-claims', walks, bars, seed: first, markets, ...figures }));
