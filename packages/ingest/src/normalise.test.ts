import { sessionOf } from '@tapecast/calendar/sessions';
import { describe, expect, it } from 'vitest';
import { loadRecordings } from '../../../tests/support/yahoo/recordings.ts';
import { normaliseBars } from './normalise.ts';
import { ticker } from './sources/conformance.ts';
import type { Instrument, SourceBar } from './sources/source.ts';
import { readChart } from './sources/yahoo-wire.ts';

const at = (iso: string) => Date.parse(iso) / 1_000;
const iso = (time: number) => new Date(time * 1_000).toISOString().slice(0, 16);
const LATER = at('2026-01-01T00:00:00Z');
const { charts } = loadRecordings(process.env['TEST_DATA_DIR']);

describe('recorded daily charts', () => {
  it.each([...charts])('%s: every bar arrives, on its local date, with every digit', (name, recorded) => {
    const reply = {
      meta: recorded.meta,
      timestamp: recorded.timestamp,
      indicators: { quote: [recorded.columns], adjclose: [{ adjclose: recorded.adjclose ?? undefined }] },
    };
    const page = readChart(ticker(name), reply);
    const session = sessionOf(page.instrument);
    const { rows, rejected } = normaliseBars({
      page,
      resolution: '1d',
      session,
      source: 'yahoo',
      delaySeconds: 0,
      now: LATER,
    });
    expect(rejected).toEqual([]);
    expect(rows).toHaveLength(recorded.timestamp.length);
    // Another way to a local date than the one under test.
    const local = new Intl.DateTimeFormat('en-CA', { timeZone: page.instrument.timezone });
    for (const [index, row] of rows.entries()) {
      const column = (key: string) => recorded.columns[key]?.[index];
      expect(iso(row.time)).toBe(`${local.format((recorded.timestamp[index] ?? 0) * 1_000)}T00:00`);
      expect([row.open, row.high, row.low, row.close]).toEqual(['open', 'high', 'low', 'close'].map(column));
      expect([row.volume, row.closeAdj]).toEqual([column('volume'), recorded.adjclose?.[index] ?? null]);
    }
  });

  it('cross changes of daylight saving time without a doubled or a missing day', () => {
    const demo = charts.get('TSLA') ?? charts.get('DEMO');
    const starts = new Set(demo?.timestamp.map((time) => iso(time).slice(11)));
    expect(starts).toEqual(new Set(['13:30', '14:30']));
    if (charts.has('TSLA')) expect(demo?.timestamp).toHaveLength(3_303);
  });
});

const NASDAQ: Instrument = {
  ticker: ticker('MSFT'),
  name: null,
  exchange: 'NMS',
  currency: 'USD',
  timezone: 'America/New_York',
  instrumentType: 'EQUITY',
  priceDecimals: 2,
  sessionOpen: 570,
  sessionClose: 960,
};

function rowsOf(resolution: '1m' | '1h' | '1d', bars: SourceBar[], now: number, delaySeconds = 0) {
  const page = { instrument: NASDAQ, bars, actions: [] };
  const session = sessionOf(NASDAQ);
  return normaliseBars({ page, resolution, session, source: 'yahoo', delaySeconds, now }).rows;
}

const bar = (time: string, close: number, more: Partial<SourceBar> = {}): SourceBar => ({
  time: at(time),
  open: close,
  high: close,
  low: close,
  close,
  closeAdj: null,
  volume: 100,
  ...more,
});

describe('hours', () => {
  it('merge rows off the grid into their bar', () => {
    const bars = [
      bar('2025-02-14T19:30:00Z', 10),
      bar('2025-02-14T20:30:00Z', 11, { high: 13, low: 10 }),
      bar('2025-02-14T21:00:00Z', 12, { volume: 0 }),
    ];
    const rows = rowsOf('1h', bars, LATER);
    expect(rows.map(({ time }) => iso(time))).toEqual(['2025-02-14T19:30', '2025-02-14T20:30']);
    expect(rows[1]).toMatchObject({ open: 11, high: 13, low: 10, close: 12, volume: 100 });
  });
});

it('drops a row that comes twice, so that its volume counts once', () => {
  const twice = bar('2025-02-14T15:00:00Z', 10);
  const page = { instrument: NASDAQ, bars: [twice, { ...twice }], actions: [] };
  const options = { page, resolution: '1m', session: sessionOf(NASDAQ), source: 'yahoo', delaySeconds: 0 } as const;
  const { rows, rejected } = normaliseBars({ ...options, now: LATER });
  expect(rows).toMatchObject([{ volume: 100 }]);
  expect(rejected).toMatchObject([{ reason: 'repeated_row' }]);
});

describe('bars that are still forming', () => {
  it('are left to the live merge, the vendor’s delay considered', () => {
    const bars = [bar('2025-02-14T15:00:00Z', 10), bar('2025-02-14T15:01:00Z', 11), bar('2025-02-14T15:01:44Z', 12)];
    const times = (now: string, delay = 0) => rowsOf('1m', bars, at(now), delay).map(({ time }) => iso(time).slice(11));
    expect(times('2025-02-14T15:01:45Z')).toEqual(['15:00']);
    expect(times('2025-02-14T15:02:09Z')).toEqual(['15:00']);
    expect(times('2025-02-14T15:02:10Z')).toEqual(['15:00', '15:01']);
    expect(times('2025-02-14T15:10:00Z', 900)).toEqual([]);
  });

  it('are the whole day until late prices have come in', () => {
    const today = [bar('2025-02-14T14:30:00Z', 10, { volume: 7 }), bar('2025-02-14T21:00:01Z', 11, { volume: 9 })];
    expect(rowsOf('1d', today, at('2025-02-14T21:29:00Z'))).toEqual([]);
    expect(rowsOf('1d', today, at('2025-02-14T21:31:00Z'))).toMatchObject([{ close: 11, volume: 9 }]);
  });
});
