import { unixSeconds } from '@tapecast/contracts/units';
import { type PriceRow } from '@tapecast/db/write-bars';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRecordings } from '../../../../tests/support/yahoo/recordings.ts';
import { normaliseBars } from '../normalise.ts';
import { sessionOf } from '@tapecast/calendar/sessions';
import { ticker } from '../sources/conformance.ts';
import { drawsAt } from '../sources/random.ts';
import { readChart } from '../sources/yahoo-wire.ts';
import { judgeBars } from './judge-bars.ts';

const DAY = 86_400;

/** A walk of daily bars: ordinary moves, now and then a gap. */
const market = fc
  .record({
    seed: fc.integer(),
    level: fc.double({ min: -4, max: 9, noNaN: true }),
    volatility: fc.double({ min: 0.0005, max: 0.03, noNaN: true }),
    count: fc.integer({ min: 60, max: 140 }),
  })
  .map(({ seed, level, volatility, count }) => {
    const draws = drawsAt(seed, 3);
    let close = Math.exp(level);
    return Array.from({ length: count }, (_, index): PriceRow => {
      const open = close * Math.exp((draws.uniform() < 0.02 ? 5 : 0.3) * volatility * draws.normal());
      close = open * Math.exp(volatility * draws.normal());
      return {
        time: unixSeconds(1_600_041_600 + index * DAY),
        ticker: 'MSFT',
        open,
        high: Math.max(open, close) * Math.exp(volatility * draws.uniform()),
        low: Math.min(open, close) / Math.exp(volatility * draws.uniform()),
        close,
        closeAdj: close * 0.98,
        volume: 1_000 * draws.uniform(),
        source: 'yahoo',
      };
    });
  });

const judge = (bars: readonly PriceRow[], ratio?: number, at = bars.length) =>
  judgeBars({
    resolution: '1d',
    bars,
    before: [],
    after: [],
    splits: ratio === undefined ? [] : [{ time: bars[at]?.time ?? Number.POSITIVE_INFINITY, ratio }],
  });

const times = (row: PriceRow, factor: number): PriceRow => ({
  ...row,
  open: row.open * factor,
  high: row.high * factor,
  low: row.low * factor,
  close: row.close * factor,
  closeAdj: (row.closeAdj ?? 0) * factor,
});

function expectRestored(judged: ReturnType<typeof judge>, truth: readonly PriceRow[]): void {
  for (const [index, { row, judgement }] of judged.entries()) {
    const now = judgement.verdict === 'repair' ? judgement.repaired : row;
    for (const part of ['open', 'high', 'low', 'close', 'closeAdj'] as const)
      expect((now[part] ?? 0) / (truth[index]?.[part] ?? 0)).toBeCloseTo(1, 9);
  }
}

/** Each run judges a hundred bars. */
const RUNS = { numRuns: 40 };

describe('an ordinary market', () => {
  it('is left alone, whatever splits it has had', () => {
    fc.assert(
      fc.property(market, fc.constantFrom(1.5, 2, 4, 10, 0.1, 0.05), fc.nat(200), (bars, ratio, at) => {
        const touched = judge(bars, ratio, Math.min(at, bars.length)).filter(
          ({ judgement }) => judgement.verdict === 'repair',
        );
        expect(touched).toEqual([]);
      }),
      RUNS,
    );
  });

  it.each([...loadRecordings(process.env['TEST_DATA_DIR']).charts])(
    '%s as recorded: nothing found',
    (name, recorded) => {
      const reply = {
        meta: recorded.meta,
        timestamp: recorded.timestamp,
        indicators: { quote: [recorded.columns], adjclose: [{ adjclose: recorded.adjclose ?? undefined }] },
      };
      const page = readChart(ticker(name), reply);
      const session = sessionOf(page.instrument);
      const { rows } = normaliseBars({ page, resolution: '1d', session, source: 'yahoo', delaySeconds: 0, now: 2e9 });
      expect(judge(rows).filter(({ judgement }) => 'rule' in judgement)).toEqual([]);
    },
  );

  it('may crash by a fifth, gap at earnings, and stay there', () => {
    fc.assert(
      fc.property(market, fc.double({ min: -0.6, max: 0.6, noNaN: true }), fc.nat(), (bars, gap, at) => {
        const from = 1 + (at % (bars.length - 1));
        const gapped = bars.map((row, index) => (index >= from ? times(row, Math.exp(gap)) : row));
        expect(judge(gapped).filter(({ judgement }) => judgement.verdict === 'repair')).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('an error by a known factor', () => {
  const place = fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 6 }) });

  it('of 100 is taken back to the last digit', () => {
    fc.assert(
      fc.property(market, place, fc.constantFrom(100, 0.01), (bars, { at, length }, factor) => {
        const from = 1 + (at % (bars.length - length - 1));
        const bad = bars.map((row, index) => (index >= from && index < from + length ? times(row, factor) : row));
        expectRestored(judge(bad), bars);
      }),
      RUNS,
    );
  });

  it('of one price alone is taken back', () => {
    fc.assert(
      fc.property(market, fc.nat(), fc.constantFrom('high', 'open', 'close', 'low'), (bars, at, part) => {
        const from = 1 + (at % (bars.length - 2));
        const factor = part === 'low' ? 0.01 : 100;
        const bad = bars.map((row, index) => (index === from ? { ...row, [part]: row[part] * factor } : row));
        const judged = judge(bad);
        const judgement = judged[from]?.judgement;
        expect(judgement?.verdict).toBe('repair');
        if (judgement?.verdict === 'repair')
          expect(judgement.repaired[part] / (bars[from]?.[part] ?? 0)).toBeCloseTo(1, 9);
        expect(judged.filter(({ judgement: { verdict } }) => verdict === 'repair')).toHaveLength(1);
      }),
      RUNS,
    );
  });

  it('of a split before its day is taken back: bars that were left out, and those divided twice', () => {
    fc.assert(
      fc.property(
        market,
        place,
        fc.constantFrom(2, 3, 4, 10, 0.1),
        fc.boolean(),
        (bars, { at, length }, ratio, missing) => {
          const from = 1 + (at % (bars.length - length - 2));
          const bad = bars.map((row, index) =>
            index >= from && index < from + length ? times(row, missing ? ratio : 1 / ratio) : row,
          );
          const judged = judge(bad, ratio, from + length + 1);
          expectRestored(judged, bars);
          for (const { judgement } of judged)
            if ('rule' in judgement) expect(judgement.rule).toBe(missing ? 'split_missing' : 'split_doubled');
        },
      ),
      RUNS,
    );
  });

  it('of a split is never taken back after its day: those prices are what they are', () => {
    fc.assert(
      fc.property(market, place, (bars, { at, length }) => {
        const from = 1 + (at % (bars.length - length - 1));
        const bad = bars.map((row, index) => (index >= from && index < from + length ? times(row, 4) : row));
        expect(judge(bad, 4, 0).filter(({ judgement }) => judgement.verdict === 'repair')).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('what is not certain', () => {
  const quiet = (close: number, index: number, more: Partial<PriceRow> = {}): PriceRow => ({
    time: unixSeconds(1_600_041_600 + index * DAY),
    ticker: 'MSFT',
    open: close,
    high: close * 1.005,
    low: close * 0.995,
    close,
    closeAdj: null,
    volume: 1_000 + index,
    source: 'yahoo',
    ...more,
  });
  const flat = Array.from({ length: 40 }, (_, index) => quiet(100 + Math.sin(index), index));
  const withBar = (index: number, row: PriceRow) => flat.map((each, place) => (place === index ? row : each));
  const found = (bars: PriceRow[], index: number) => judge(bars)[index]?.judgement;

  it('is flagged and left as it came: a spike', () => {
    expect(found(withBar(20, quiet(170, 20)), 20)).toMatchObject({ verdict: 'flag', rule: 'spike' });
    expect(found(withBar(20, quiet(100, 20, { low: 40 })), 20)).toMatchObject({ verdict: 'flag', rule: 'spike' });
  });

  it('is believed when many traded there', () => {
    expect(found(withBar(20, quiet(170, 20, { volume: 9_000 })), 20)).toEqual({ verdict: 'good' });
  });

  it('waits for the next bar when it is the newest one', () => {
    expect(found([...flat, quiet(10_000, 40)], 40)).toMatchObject({ verdict: 'flag', rule: 'unit' });
    expect(found([...flat, quiet(450, 40)], 40)).toMatchObject({ verdict: 'flag', rule: 'jump' });
    expect(found([...flat, quiet(450, 40), quiet(455, 41)], 40)).toEqual({ verdict: 'good' });
    expect(found([...flat, quiet(10_000, 40), quiet(100, 41)], 40)).toMatchObject({ verdict: 'repair', rule: 'unit' });
  });

  it('is flagged when it is the bar before once more', () => {
    const before = flat[19];
    if (before === undefined) throw new Error('there are 40 bars');
    expect(found(withBar(20, { ...before, time: unixSeconds(before.time + DAY) }), 20)).toMatchObject({
      verdict: 'flag',
      rule: 'duplicate',
    });
  });
});
