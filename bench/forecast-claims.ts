/**
 * How often the product says that a random walk can be predicted: simulated walks of days and of hours, each judged by the
 * very function that the worker calls.
 *
 *   npm run bench:forecast-claims -- [--walks 200] [--bars 130]
 */
import { parseArgs } from 'node:util';
import { FORECAST_HORIZONS } from '@tapecast/contracts/resolution';
import { randomWalk } from '../apps/forecaster/src/models/random-walk.fixture.ts';
import { forecastInThreads } from './forecast/threads.ts';

const { values } = parseArgs({
  options: { walks: { type: 'string', default: '200' }, bars: { type: 'string', default: '130' } },
});
const [walks, bars] = [Number(values.walks), Number(values.bars)];
const KINDS = {
  days: { season: [5], horizon: FORECAST_HORIZONS['1d'] },
  hours: { season: [7, 35], horizon: FORECAST_HORIZONS['1h'] },
};

const claims: Record<string, number> = {};
for (const [kind, { season, horizon }] of Object.entries(KINDS)) {
  const tasks = Array.from({ length: walks }, (_, i) => {
    return { closes: randomWalk({ bars, seed: (i + 1) * 7_919 }), season, horizon };
  });
  const answers = await forecastInThreads(tasks, () => undefined);
  claims[kind] = answers.filter(({ shown }) => shown !== 'last-price').length;
  console.log(`${kind}: ${claims[kind]} of ${walks} walks of ${bars} bars said to be predictable`);
}
console.log(
  JSON.stringify({ bench: 'forecast-claims', walks, bars, claims_days: claims['days'], claims_hours: claims['hours'] }),
);
