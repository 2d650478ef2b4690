import { sessionOf } from '@tapecast/calendar/sessions';
import { zoneOffset } from '@tapecast/calendar/zoned-time';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRowReader, type BarRules } from './bar-rows.ts';
import { recogniseLayout } from './layout.ts';
import { decimal } from './plain-number.ts';
import { createPlainRow } from './plain-row.ts';
import { zonedTime } from './plain-time.ts';
import { createTimeParser } from './times.ts';

const NOW = Date.UTC(2026, 0, 15) / 1_000;

function rulesOf(change: Partial<BarRules> = {}): BarRules {
  return {
    layout: recogniseLayout(['time', 'ticker', 'open', 'high', 'low', 'close', 'close_adj', 'volume', 'note']),
    resolution: '1m',
    ticker: null,
    dropCountry: false,
    decimalComma: false,
    parseTime: createTimeParser({ zone: zoneOffset('America/New_York'), order: null }),
    sessionOf: () => null,
    now: NOW,
    ...change,
  };
}

function plain(rules: BarRules, line: string) {
  const bytes = Buffer.from(`x${line}\n`); // not at the beginning of its block
  return createPlainRow(rules, ',')?.read(bytes, 1, bytes.length - 1) ?? null;
}

const GOOD = '2024-01-31T15:30:00Z,MSFT,10,12.5,9.75,11,10.12345678901234,1e';

it('takes the rows that most files are made of', () => {
  const line = GOOD.replace('1e', '100,any ü');
  const bar = { ticker: 'MSFT', open: 10, high: 12.5, low: 9.75, close: 11, closeAdj: 10.12345678901234, volume: 100 };
  expect(plain(rulesOf(), line)).toEqual({ ...bar, time: Date.UTC(2024, 0, 31, 15, 30) / 1_000 });
  expect(plain(rulesOf(), `${line}\r`)).not.toBeNull();
  expect(plain(rulesOf(), line.replace('T15:30:00Z', ' 10:30:00-05:00'))).not.toBeNull();
  expect(plain(rulesOf({ resolution: '1d' }), line.replace('T15:30:00Z', ''))).toMatchObject({
    time: Date.UTC(2024, 0, 31) / 1_000,
  });
});

const TIME = fc.constantFrom(
  '2024-01-31T15:30:00Z',
  '2024-02-29 00:00:00Z',
  '2024-02-29T00:00:00.000Z',
  '2023-02-29T15:30:00Z',
  '2024-02-31',
  '2024-01-31',
  '2024-01-31 09:30:00',
  '2024-01-31T15:30:01Z',
  '2024-01-31T24:00:00Z',
  '1706715000',
  '1706659200',
  '17067150000',
  '20240131',
  '1969-12-31T23:59:00Z',
  '1850-01-01',
  '2026-01-14T23:59:00Z',
  '2026-01-20',
  '2030-01-01T00:00:00Z',
  '',
);
const NUMBER = fc.oneof(
  fc.double({ min: 0, max: 2e12, noNaN: true }).map(String),
  fc.tuple(fc.nat(), fc.nat({ max: 99_999 })).map(([whole, part]) => `${whole}.${part}`),
  fc.constantFrom(
    '10',
    '11',
    '9',
    '0',
    '-1',
    '+3',
    '1e308',
    '1e3',
    '.5',
    '5.',
    '.',
    'null',
    'NaN',
    '',
    ' 10',
    '10,5',
    '1.2.3',
    '0x10',
  ),
  fc.stringMatching(/^\d{1,20}(\.\d{0,20})?$/),
);
const TICKER = fc.oneof(
  fc.constantFrom('MSFT', 'msft', 'MSFT.US', 'BRK-B', '^GSPC', '', 'a b', 'GROß', 'TOOLONGTOOLONGTOOLONGTOOLONG'),
  fc.string(),
);
const LINE = fc
  .tuple(TIME, TICKER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, fc.constantFrom('', 'n', 'ü\0', ',', '"'))
  .map((fields) => fields.join(','))
  .filter((line) => !line.includes('\n') && !line.includes('"'));

it('takes no row that the rules would refuse, and reads the same bar out of each that it takes', () => {
  const kinds = [
    rulesOf(),
    rulesOf({ resolution: '1d' }),
    rulesOf({ resolution: '1h', dropCountry: true }),
    rulesOf({ ticker: 'GIVEN', decimalComma: true }),
  ];
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof(LINE, fc.string(), fc.constant(GOOD.replace('1e', '100,'))),
      fc.constantFrom(...kinds),
      (line, rules) => {
        const bar = plain(rules, line);
        if (bar === null) return;
        taken += 1;
        expect(createRowReader(rules)(line.split(','))).toEqual({ bar });
      },
    ),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

it('leaves hours of a known exchange to the rules, which know its grid', () => {
  const session = sessionOf({ exchange: 'NMS', timezone: 'America/New_York', sessionOpen: 570, sessionClose: 960 });
  const hours = rulesOf({ resolution: '1h', sessionOf: (ticker) => (ticker === 'MSFT' ? session : null) });
  expect(plain(hours, GOOD.replace('1e', '100,'))).toBeNull();
  expect(plain(hours, GOOD.replace('1e', '100,').replace('MSFT', 'NEW'))).not.toBeNull();
});

it('reads decimals as Number() does, to the last digit', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{1,22}(\.\d{0,18})?$/), (text) => {
      const bytes = Buffer.from(text);
      const value = decimal(bytes, 0, bytes.length, 0x2e);
      expect(Number.isNaN(value) || Object.is(value, Number(text))).toBe(true);
      if (text.length < 17) expect(value).toBe(Number(text));
    }),
    { numRuns: 5_000 },
  );
});

it('reads times in UTC as the time parser does', () => {
  const parse = createTimeParser({ zone: zoneOffset('UTC'), order: null });
  const part = (most: number) => fc.nat({ max: most }).map((value) => String(value).padStart(2, '0'));
  const time = fc
    .tuple(fc.integer({ min: 1_960, max: 2_110 }), part(13), part(32), part(25), part(61), part(61))
    .map(([year, month, day, hour, minute, second]) => `${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  fc.assert(
    fc.property(time, (text) => {
      const bytes = Buffer.from(text);
      const quick = zonedTime(bytes, 0, bytes.length);
      const parsed = parse(text, null);
      if (!Number.isNaN(quick)) expect(parsed).toMatchObject({ time: quick });
      else expect(typeof parsed === 'string' || parsed.time < 0).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});
