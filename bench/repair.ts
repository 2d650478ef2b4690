/**
 * The rules of docs/repair.md on good bars (every finding is a false alarm) and on planted errors.
 *
 *   npm run bench:repair [-- --data DIR] [--errors 200]
 */
import { judgeBars } from '@tapecast/ingest/bar-repair/judge-bars';
import { parseArgs } from 'node:util';
import { drawsAt } from '@tapecast/ingest/sources/random';
import { ERRORS } from './repair/errors.ts';
import { recordedSeries, wildSeries, type Series } from './repair/series.ts';

const { values } = parseArgs({
  options: { data: { type: 'string' }, errors: { type: 'string', default: '200' } },
});
/** As from one page of the vendor, with nothing stored beside it. */
const judge = ({ resolution, bars, splits }: Series) => judgeBars({ resolution, bars, splits, before: [], after: [] });
const percent = (part: number, whole: number) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);

const recorded = recordedSeries(values.data ?? process.env['TEST_DATA_DIR']);
const good = [...recorded, ...wildSeries()];
console.log(`${'good bars'.padEnd(28)} width    bars  repaired  flagged`);
const alarms = { bars: 0, repaired: 0, flagged: 0 };
const real = { bars: 0, repaired: 0, flagged: 0 };
for (const series of good) {
  const found = judge(series).map(({ judgement }) => judgement.verdict);
  const repaired = found.filter((verdict) => verdict === 'repair').length;
  const flagged = found.filter((verdict) => verdict === 'flag').length;
  for (const counts of recorded.includes(series) ? [alarms, real] : [alarms]) {
    counts.bars += found.length;
    counts.repaired += repaired;
    counts.flagged += flagged;
  }
  const cells = [String(found.length).padStart(7), String(repaired).padStart(9), String(flagged).padStart(8)];
  console.log(`${series.name.padEnd(28)} ${series.resolution.padEnd(3)} ${cells.join(' ')}`);
}

/** Fewer bars on each side tell too little; the last of a page is judged with the next one. */
const EDGE = 12;
console.log(`\n${'planted errors'.padEnd(28)}  planted     found  rightly repaired  other bars touched`);
const kinds: Record<string, { planted: number; found: number; repaired: number | null; touched: number }> = {};
const wanted = Number(values.errors);
const hosts = [...recorded, ...wildSeries().filter(({ name }) => name !== 'penny share')].filter(
  ({ bars }) => bars.length > 40,
);
for (const [number, { kind, repairable, rules, plant }] of ERRORS.entries()) {
  const counts = { planted: 0, found: 0, repaired: 0, touched: 0 };
  const draws = drawsAt(number, 11);
  for (let turn = 0; turn < wanted * 4 && counts.planted < wanted; turn += 1) {
    const host = hosts[Math.floor(draws.uniform() * hosts.length)];
    if (host === undefined) break;
    // A window, as a page of the vendor would be.
    const width = Math.min(host.bars.length, 300);
    const start = kind.startsWith('history') ? 0 : Math.floor(draws.uniform() * (host.bars.length - width));
    const end = kind.startsWith('history') ? host.bars.length : start + width;
    const page = { ...host, bars: host.bars.slice(start, end) };
    const at = EDGE + Math.floor(draws.uniform() * (page.bars.length - 2 * EDGE));
    const bad = plant(page, at);
    if (bad === null) continue;
    counts.planted += 1;
    const judged = judge(bad);
    const wrong = (index: number) =>
      bad.bars[index]?.close !== page.bars[index]?.close ||
      bad.bars[index]?.high !== page.bars[index]?.high ||
      bad.bars[index]?.low !== page.bars[index]?.low;
    const places = judged.map((_, index) => index);
    const hit = (index: number) => {
      const judgement = judged[index]?.judgement;
      return judgement !== undefined && 'rule' in judgement && rules.includes(judgement.rule);
    };
    const errors = places.filter(wrong);
    if (errors.length > 0 && errors.every(hit)) counts.found += 1;
    const restored = (index: number) => {
      const judgement = judged[index]?.judgement;
      const truth = page.bars[index];
      if (judgement?.verdict !== 'repair' || truth === undefined) return false;
      return (['open', 'high', 'low', 'close'] as const).every(
        (part) => Math.abs(judgement.repaired[part] / truth[part] - 1) < 1e-9,
      );
    };
    if (repairable && errors.every(restored)) counts.repaired += 1;
    counts.touched += places.filter((index) => !wrong(index) && judged[index]?.judgement.verdict === 'repair').length;
  }
  kinds[kind] = { ...counts, repaired: repairable ? counts.repaired : null };
  const cells = [
    String(counts.planted).padStart(8),
    percent(counts.found, counts.planted).padStart(9),
    (repairable ? percent(counts.repaired, counts.planted) : 'is marked').padStart(17),
    String(counts.touched).padStart(19),
  ];
  console.log(`${kind.padEnd(28)} ${cells.join(' ')}`);
}
console.log(JSON.stringify({ bench: 'repair', recorded: real, all_good: alarms, kinds }));
