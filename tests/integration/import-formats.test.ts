/** The forms that files of prices have, and what is said of those that cannot be read. */
import { gzipSync } from 'node:zlib';
import { type ImportOptions } from '@tapecast/ingest/import/import-prices';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dailyCsv, openImportWorld, YAHOO_HEAD, type ImportWorld } from './import-world.ts';

let world: ImportWorld;
beforeAll(async () => {
  world = await openImportWorld();
});
afterAll(() => world.close());

describe('formats', () => {
  const rowsOf = (table: string, ticker: string) =>
    world.rows<{ t: string; close: number; volume: number | null }>(
      `SELECT to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI') AS t, close, volume FROM stock_prices_${table} WHERE ticker = $1 ORDER BY time`,
      [ticker],
    );

  it.each([
    [
      'CRLF, quotes and a byte order mark',
      'F1.csv',
      '\ufeff"Date","Open","High","Low","Close","Volume"\r\n"2024-01-02","1","3","1","2","100"\r\n',
    ],
    [
      'semicolons and decimal commas',
      'F1.csv',
      'Date;Open;High;Low;Close;Volume\n2024-01-02;1,0;3,0;1,0;2,0;100\n',
      { decimalComma: true },
    ],
    [
      'UTF-16',
      'F1.csv',
      Buffer.from('\ufeffDate\tOpen\tHigh\tLow\tClose\tVolume\n2024-01-02\t1\t3\t1\t2\t100\n', 'utf16le'),
    ],
    ['gzip, whatever its name', 'F1.csv', gzipSync('Date,Open,High,Low,Close,Volume\n2024-01-02,1,3,1,2,100\n')],
    [
      'dates in American order',
      'F1.csv',
      'Date,Open,High,Low,Close,Volume\n01/02/2024,1,3,1,2,100\n',
      { dateOrder: 'mdy' as const },
    ],
    [
      'other names',
      'F1.csv',
      'Tag,Auf,Hoch,Tief,Zu,Menge\n2024-01-02,1,3,1,2,100\n',
      { map: { time: 'Tag', open: 'Auf', high: 'Hoch', low: 'Tief', close: 'Zu', volume: 'Menge' } },
    ],
    [
      'Stooq\u2019s files',
      'f1.us.txt',
      '<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nF1.US,D,20240102,000000,1,3,1,2,100,0\n',
    ],
    [
      'dates with a zone\u2019s midnight',
      'F1.csv',
      'Date,Open,High,Low,Close,Volume\n2024-01-02 00:00:00-05:00,1,3,1,2,100\n',
    ],
  ] as [string, string, string | Buffer, ImportOptions?][])('reads %s', async (_what, name, content, options = {}) => {
    await world.run(await world.write(name, content), { ...options, resolution: '1d', overwrite: true });
    expect(await rowsOf('1d', 'F1')).toEqual([{ t: '2024-01-02T00:00', close: 2, volume: 100 }]);
  });

  it('reads local times by their zone, over a change of the clocks', async () => {
    const file = await world.write(
      'ZONE-1h.csv',
      'Datetime,Open,High,Low,Close,Volume\n2024-03-08 09:30:00,1,3,1,2,1\n2024-03-11 09:30:00,1,3,1,2,1\n',
    );
    await world.run(file, { timezone: 'America/New_York' });
    expect((await rowsOf('1h', 'ZONE')).map(({ t }) => t)).toEqual(['2024-03-08T14:30', '2024-03-11T13:30']);
  });

  it('tells the resolution by the rows, and asks where it cannot', async () => {
    const minutes =
      'time,ticker,open,high,low,close,volume\n2024-01-02T14:30:00Z,AUTO,1,3,1,2,1\n2024-01-02T14:31:00Z,AUTO,1,3,1,2,1\n';
    expect(await world.run(await world.write('x.csv', minutes))).toMatchObject({ resolution: '1m' });
    await expect(world.run(await world.write('x.csv', minutes.replace('14:31', '14:35')))).rejects.toThrow(
      /--resolution/,
    );
  });

  it.each([
    ['no ticker for certain', 'data.csv', `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n`, /--ticker/],
    ['a missing column', 'X.csv', 'Date,Open,High,Low\n2024-01-02,1,3,1\n', /no column for close/],
    [
      'dates that can be read in two ways',
      'X.csv',
      `${YAHOO_HEAD}\n01/02/2024,1,3,1,2,1.9,100\n`,
      /row 2, column Date: .*--date-format/,
    ],
    ['a web page', 'X.csv', '<!DOCTYPE html><html></html>', /web page/],
    ['a ZIP archive', 'X.csv', Buffer.from('PK\u0003\u0004rest'), /ZIP/],
    ['nothing', 'X.csv', '', /empty/],
    ['a header alone', 'X.csv', `${YAHOO_HEAD}\n`, /--resolution|no rows/],
    ['a cut gzip', 'X.csv', gzipSync(dailyCsv('X', 5_000)).subarray(0, -2_000), /row \d+, column \w+: .*gzip/],
    [
      'another encoding',
      'X.csv',
      Buffer.from('time,ticker,open,high,low,close\n2024-01-02,M\xdcLL,1,3,1,2\n', 'latin1'),
      /row 2, column ticker: .*--encoding/,
    ],
    ['a NUL', 'X.csv', `${YAHOO_HEAD}\n2024-01-02,1,3,1,2\u0000,1.9,100\n`, /row 2, column Close/],
    [
      'a quote that stays open',
      'X.csv',
      `${YAHOO_HEAD}\n2024-01-02,"1,3,1,2,1.9,100\n2024-01-03,1,3,1,2,1.9,100\n`,
      /row 2, column Open/,
    ],
    ['swapped columns', 'X.csv', 'Date,High,Open,Low,Close\n2024-01-02,1,3,1,1\n', /row 2, column Open: .*swapped/],
  ])('refuses %s, saying what to do', async (_what, name, content, message) => {
    await expect(world.run(await world.write(name, content))).rejects.toThrow(message);
    expect(await rowsOf('1d', 'X')).toEqual([]);
  });
});
