/** Quotes become live bars by the rules of the data model: absolute values, newest time wins, vendor bars stand. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { type UnixSeconds, unixSeconds } from '@tapecast/contracts/units';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { readSeries } from '@tapecast/db/bars';
import { type Database, openDatabase } from '@tapecast/db/database';
import { listQuotes } from '@tapecast/db/quotes';
import { seedLiveHour } from '@tapecast/db/seed-live-hour';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import { mergeQuotes, type QuoteRow } from '@tapecast/db/write-quotes';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let server: TestDatabase;
let db: Database;
const AAPL = 'AAPL' as Ticker;
const HOUR = Date.UTC(2026, 10, 20, 15) / 1_000;

beforeEach(async () => {
  server = await createDatabase();
  db = openDatabase({ url: server.asRole('tapecast_ingestor'), applicationName: 'test' });
  await ensureTickers(db, [AAPL]);
});
afterEach(async () => {
  await db.close();
  await server.drop();
});

function quote(seconds: number, price: number, more: Partial<QuoteRow> = {}): QuoteRow {
  const time = unixSeconds(HOUR + seconds);
  const floor = (width: number): UnixSeconds => unixSeconds(Math.floor(time / width) * width);
  return {
    ticker: AAPL,
    price,
    quoteTime: time,
    receivedAt: time * 1_000,
    previousClose: 99,
    dayOpen: 100,
    dayHigh: 110,
    dayLow: 90,
    dayVolume: 1_000,
    marketState: 'REGULAR',
    delaySeconds: 0,
    source: 'yahoo',
    volumeIsRolling: false,
    bars: { '1m': floor(60), '1h': floor(3_600), '1d': floor(86_400) },
    ...more,
  };
}

async function bars(resolution: NativeResolution): Promise<unknown[]> {
  return (await readSeries(db, { ticker: AAPL, resolution, limit: 10 }))?.bars ?? [];
}

it('each price becomes the close; open stays, high and low widen, volume is what the day gained', async () => {
  await mergeQuotes(db, [quote(0, 100, { dayVolume: 1_000 })]);
  await mergeQuotes(db, [quote(10, 104, { dayVolume: 1_030 })]);
  await mergeQuotes(db, [quote(20, 101, { dayVolume: 1_050 })]);
  await mergeQuotes(db, [quote(65, 102, { dayVolume: 1_090 })]);
  expect(await bars('1m')).toEqual([
    [HOUR, 100, 104, 100, 101, 50],
    [HOUR + 60, 102, 102, 102, 102, 40],
  ]);
  expect(await bars('1h')).toEqual([[HOUR, 100, 104, 100, 102, 90]]);
  expect(await bars('1d')).toEqual([[HOUR - 15 * 3_600, 100, 110, 90, 102, 1_090]]);
});

it('the first bar of a new day counts its volume from zero', async () => {
  await mergeQuotes(db, [quote(0, 100, { dayVolume: 1_000 })]);
  await mergeQuotes(db, [quote(86_400, 100, { dayVolume: 70 })]);
  expect(await bars('1m')).toEqual([
    [HOUR, 100, 100, 100, 100, 0],
    [HOUR + 86_400, 100, 100, 100, 100, 70],
  ]);
});

it('a rolling day volume says nothing of a minute', async () => {
  await mergeQuotes(db, [quote(0, 100, { volumeIsRolling: true, dayVolume: 5e9 })]);
  expect(await bars('1m')).toEqual([[HOUR, 100, 100, 100, 100, null]]);
  expect(await bars('1d')).toEqual([[HOUR - 15 * 3_600, 100, 110, 90, 100, 5e9]]);
});

it('the same news twice, or older news, changes nothing', async () => {
  await mergeQuotes(db, [quote(10, 100)]);
  const before = await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 });
  expect(await mergeQuotes(db, [quote(10, 100)])).toEqual({ accepted: [], unchanged: ['AAPL'], outdated: [] });
  expect(await mergeQuotes(db, [quote(5, 90)])).toEqual({ accepted: [], unchanged: [], outdated: ['AAPL'] });
  expect(await mergeQuotes(db, [quote(10, 95, { receivedAt: (HOUR + 9) * 1_000 })])).toMatchObject({
    outdated: ['AAPL'],
  });
  expect(await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 })).toEqual(before);
});

it('another price in the same second counts when it came later', async () => {
  await mergeQuotes(db, [quote(10, 100)]);
  expect(await mergeQuotes(db, [quote(10, 103, { receivedAt: (HOUR + 10.5) * 1_000 })])).toMatchObject({
    accepted: ['AAPL'],
  });
  expect(await bars('1m')).toEqual([[HOUR, 100, 103, 100, 103, 0]]);
});

it('a live merge never touches a bar of the vendor, and the vendor replaces a live one', async () => {
  const vendor = {
    time: unixSeconds(HOUR),
    ticker: 'AAPL',
    open: 50,
    high: 60,
    low: 40,
    close: 55,
    closeAdj: 55,
    volume: 7,
    source: 'yahoo',
  };
  await writeBars(db, '1m', [vendor]);
  await mergeQuotes(db, [quote(10, 100)]);
  expect(await bars('1m')).toEqual([[HOUR, 50, 60, 40, 55, 7]]);
  await mergeQuotes(db, [quote(70, 100)]);
  await writeBars(db, '1m', [{ ...vendor, time: unixSeconds(HOUR + 60) }]);
  expect(await bars('1m')).toEqual([
    [HOUR, 50, 60, 40, 55, 7],
    [HOUR + 60, 50, 60, 40, 55, 7],
  ]);
});

it('a restart in the middle of a bar goes on counting its volume', async () => {
  await mergeQuotes(db, [quote(0, 100, { dayVolume: 1_000 })]);
  await db.close();
  db = openDatabase({ url: server.asRole('tapecast_ingestor'), applicationName: 'test' });
  await mergeQuotes(db, [quote(30, 101, { dayVolume: 1_500 })]);
  expect(await bars('1m')).toEqual([[HOUR, 100, 101, 100, 101, 500]]);
  expect(await listQuotes(db)).toMatchObject([
    { ticker: 'AAPL', price: 101, marketState: 'REGULAR', quoteTime: HOUR + 30 },
  ]);
});

it('the running hour begins where the vendor says, and counts on from there', async () => {
  const vendor = {
    time: unixSeconds(HOUR),
    ticker: 'AAPL',
    open: 95,
    high: 99,
    low: 94,
    close: 98,
    closeAdj: null,
    volume: 700,
    source: 'yahoo',
  };
  await mergeQuotes(db, [quote(1_800, 100, { dayVolume: 1_000 })]);
  expect(await seedLiveHour(db, vendor)).toEqual({ changed: 1 });
  expect(await bars('1h')).toEqual([[HOUR, 95, 100, 94, 100, 700]]);
  expect(await seedLiveHour(db, vendor)).toEqual({ changed: 0 });
  await mergeQuotes(db, [quote(1_810, 101, { dayVolume: 1_050 })]);
  expect(await bars('1h')).toEqual([[HOUR, 95, 101, 94, 101, 750]]);
  await writeBars(db, '1h', [{ ...vendor, close: 97 }]);
  expect(await seedLiveHour(db, vendor)).toEqual({ changed: 0 });
  expect(await bars('1h')).toEqual([[HOUR, 95, 99, 94, 97, 700]]);
});

it('two ingestors with the same poll write it once', async () => {
  const other = openDatabase({ url: server.asRole('tapecast_ingestor'), applicationName: 'other' });
  const polls = Array.from({ length: 20 }, (_, i) => quote(i, 100 + i, { dayVolume: 1_000 + i }));
  for (const poll of polls) await Promise.all([mergeQuotes(db, [poll]), mergeQuotes(other, [poll])]);
  await other.close();
  const page = await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 });
  expect(page?.bars).toEqual([[HOUR, 100, 119, 100, 119, 19]]);
  expect(page?.revision).toBe(20);
});
