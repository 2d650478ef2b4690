/**
 * The forecaster on recorded daily bars, by rolling origin over the last 1,500, and the cost of a job.
 *
 *   npm run bench:forecast-prices -- --chart chart-TSLA-1d.json [--stride 20] [--jobs 20]
 */
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { FORECAST_HORIZONS } from '@tapecast/contracts/resolution';
import { parseArgs } from 'node:util';
import { backtest, SHOWN } from '../apps/forecaster/src/models/evaluation/backtest.ts';
import { forecastAll } from '../apps/forecaster/src/models/forecast.ts';
import { readChart } from './forecast/chart.ts';

const { values } = parseArgs({
  options: {
    chart: { type: 'string' },
    stride: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '20' },
  },
});
if (values.chart === undefined) {
  console.error('Usage: npm run bench:forecast-prices -- --chart FILE [--stride N] [--jobs N]');
  console.error('FILE is a recorded reply of Yahoo with daily bars, more than 2,500 of them.');
  process.exit(2);
}
const LAST = 1_500;
/** What the worker reads. */
const WINDOW = 1_000;
const horizon = FORECAST_HORIZONS['1d'];
const series = readChart(values.chart);
const bars = series.closes.length;
const stride = Number(values.stride);
const origins = Array.from(
  { length: Math.floor((LAST - horizon) / stride) + 1 },
  (_, k) => bars - 1 - LAST + k * stride,
).filter((origin) => origin + horizon < bars);

console.log(`${bars} bars, ${origins.length} origins over the last ${LAST}, ${horizon} bars ahead`);
const { models, shown } = backtest({
  series: { ...series, season: [5] },
  horizon,
  levels: QUANTILE_LEVELS,
  origins,
  window: WINDOW,
  forecaster: forecastAll,
  onOrigin: (done) => done % 20 === 0 && console.log(`${done} of ${origins.length}`),
});
const percent = (share: number | undefined): string => (100 * (share ?? Number.NaN)).toFixed(1).padStart(6);
console.log(`\n${'model'.padEnd(20)}  50 %  80 %  95 %   pinball   skill  luck`);
for (const { model, coverage, pinball, skill, pValue } of models) {
  const held = ['0.5', '0.8', '0.95'].map((share) => percent(coverage[share])).join('');
  console.log(
    `${model.padEnd(20)}${held}  ${pinball.toFixed(5)}  ${skill.toFixed(3).padStart(6)}  ${pValue.toFixed(3)}`,
  );
}
console.log(`Shown: ${JSON.stringify(shown)}`);

const costs = {
  '1d': cpuOfJob([5], FORECAST_HORIZONS['1d']),
  '1h': cpuOfJob([7, 35], FORECAST_HORIZONS['1h']),
};
const own = models.find(({ model }) => model === SHOWN);
const walk = models.find(({ model }) => model === 'last-price');
const round = (value: number | undefined): number => Number((value ?? Number.NaN).toFixed(4));
console.log(
  JSON.stringify({
    bench: 'forecast-prices',
    origins: origins.length,
    coverage50: round(own?.coverage['0.5']),
    coverage80: round(own?.coverage['0.8']),
    coverage95: round(own?.coverage['0.95']),
    pinball_ratio: round((own?.pinball ?? Number.NaN) / (walk?.pinball ?? Number.NaN)),
    job_cpu_ms_1d: round(costs['1d']),
    job_cpu_ms_1h: round(costs['1h']),
  }),
);

/** CPU milliseconds of one job's numbers, on the newest bars of different length. */
function cpuOfJob(season: number[], ahead: number): number {
  const jobs = Number(values.jobs);
  const before = process.cpuUsage();
  for (let job = 0; job < jobs; job++) {
    const closes = series.closes.slice(bars - WINDOW - job, bars - job);
    forecastAll({ closes, season, horizon: ahead, levels: QUANTILE_LEVELS });
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / jobs;
}
