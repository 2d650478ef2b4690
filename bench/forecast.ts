/**
 * The forecaster's models and defaults on the M4 competition's series, scored as its organisers did. Each series is handed
 * over alone, with its seasonal periods and the horizon; models are weighed, chosen and calibrated on its training part.
 *
 *   npm run bench:forecast -- --m4 DIR [--freq hourly|daily|weekly] [--limit N]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { M4_RULES, readM4, type Frequency } from './forecast/m4-data.ts';
import { scoreM4, type Score } from './forecast/table.ts';
import { forecastInThreads } from './forecast/threads.ts';

const { values } = parseArgs({
  options: { m4: { type: 'string' }, freq: { type: 'string', default: 'hourly' }, limit: { type: 'string' } },
});
if (values.m4 === undefined || !isFrequency(values.freq)) {
  console.error('Usage: npm run bench:forecast -- --m4 DIR [--freq hourly|daily|weekly] [--limit N]');
  console.error('DIR holds the files of the M4 competition: Hourly-train.csv, Hourly-test.csv, …');
  process.exit(2);
}
const frequency = values.freq;
const { season, horizon } = M4_RULES[frequency];
const series = readM4(values.m4, frequency, values.limit === undefined ? undefined : Number(values.limit));
const threads = availableParallelism();
console.log(`${series.length} ${frequency} series, ${horizon} steps ahead, ${threads} threads`);

const began = performance.now();
let said = 0;
const answers = await forecastInThreads(
  series.map(({ train }) => ({ closes: train, season, horizon })),
  (done) => {
    const percent = Math.floor((100 * done) / series.length);
    if (percent < said + 10) return;
    said = percent;
    console.log(`${percent} % after ${((performance.now() - began) / 1_000).toFixed(0)} s`);
  },
  threads,
);
const seconds = (performance.now() - began) / 1_000;
const table = scoreM4(series, answers, frequency);

const row = (name: string, { smape, mase, owa }: Score, more = ''): void =>
  console.log(`${name.padEnd(20)}${[smape, mase, owa].map((x) => x.toFixed(3).padStart(9)).join('')}  ${more}`);
console.log(`\n${'model'.padEnd(20)}    sMAPE     MASE      OWA  fits per CPU second`);
row('Naive2', table.naive2);
row('seasonal naive (M4)', table.seasonalNaive);
for (const [name, score] of Object.entries(table.models)) {
  const speed = Number.isNaN(score.seriesPerSecond) ? '' : score.seriesPerSecond.toFixed(0);
  row(name, score, `${speed}${score.refused > 0 ? `  (refused ${score.refused}, last price instead)` : ''}`);
}
row('shown', table.shown, `${(series.length / seconds).toFixed(2)} series per second, all models, ${threads} threads`);
console.log(
  `Shown: ${Object.entries(table.choices)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
);
console.log(
  `95 % band: MSIS ${table.shown.msis95.toFixed(3)}, coverage ${(100 * table.shown.coverage95).toFixed(1)} %\n`,
);

const round = (value: number): number => Number(value.toFixed(3));
console.log(
  JSON.stringify({
    bench: 'forecast',
    freq: frequency,
    series: series.length,
    smape: round(table.shown.smape),
    mase: round(table.shown.mase),
    owa: round(table.shown.owa),
    naive2_smape: round(table.naive2.smape),
    naive2_mase: round(table.naive2.mase),
    snaive_owa: round(table.seasonalNaive.owa),
    msis95: round(table.shown.msis95),
    coverage95: round(table.shown.coverage95),
    series_per_s: round(series.length / seconds),
  }),
);

function isFrequency(text: string): text is Frequency {
  return Object.hasOwn(M4_RULES, text);
}
