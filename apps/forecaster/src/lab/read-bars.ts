/** The bars of a run: closed ones only, with the state of the series that they come from. */
import { createHash } from 'node:crypto';
import { midnightOf, toLocal, weekdayOf, zoneOffset } from '@tapecast/calendar/zoned-time';
import { isWithdrawn, type LiveBar } from '@tapecast/contracts/bar';
import { type LabSettings } from '@tapecast/contracts/lab';
import { unixSeconds, type Epoch, type Revision } from '@tapecast/contracts/units';
import { readSeries, readSource } from '@tapecast/db/bars';
import { type Database } from '@tapecast/db/database';
import { listTickers } from '@tapecast/db/tickers';
import { newestClose, newestKeyAt } from '../closed-bar.ts';
import { type LabBars } from './features.ts';
import { LabRefusedError } from './run-lab.ts';

export interface LabData {
  bars: LabBars;
  epoch: Epoch;
  revision: Revision;
  simulated: boolean;
  /** SHA-256 of the bars, hex. */
  hash: string;
}

/**
 * @param now Unix seconds
 * @throws {LabRefusedError} when there is nothing to learn from
 * @throws {DatabaseUnavailableError}
 */
export async function readLabBars(db: Database, settings: LabSettings, now: number): Promise<LabData> {
  const { ticker, resolution, until, bars: count } = settings;
  const exchange = (await listTickers(db)).find((row) => row.ticker === ticker);
  if (exchange === undefined) throw new LabRefusedError(`${ticker} is not followed here.`);
  const page = await readSeries(db, { ticker, resolution, limit: count + 2, to: until });
  const bars = (page?.bars ?? []).filter((bar): bar is LiveBar => !isWithdrawn(bar));
  const keys = bars.map(([time]) => time);
  const closedAt = newestClose(exchange, resolution, keys, now);
  const newest = closedAt === null ? -Infinity : newestKeyAt(exchange, resolution, closedAt);
  const usable = bars.filter(
    ([time, ...prices]) => time <= newest && prices.slice(0, 4).every((price) => (price ?? 0) > 0),
  );
  const chosen = usable.slice(-count);
  if (page === null || chosen.length === 0)
    throw new LabRefusedError(`${ticker} has no closed ${resolution} bars yet.`);
  // Of the bars that are used: newer ones must not change what is said of these.
  const source = await readSource(db, { ticker, resolution, to: chosen.at(-1)?.[0] });
  return {
    bars: columnsOf(chosen, resolution === '1d' ? 'UTC' : exchange.timezone),
    epoch: page.epoch,
    revision: page.revision,
    simulated: source === 'simulated',
    hash: createHash('sha256').update(JSON.stringify(chosen)).digest('hex'),
  };
}

/** @param timezone where weekday and time of day are read; keys of days are dates in UTC */
export function columnsOf(bars: readonly LiveBar[], timezone: string): LabBars {
  const offset = zoneOffset(timezone);
  const local = bars.map(([time]) => toLocal(time, offset));
  const column = (of: (bar: LiveBar) => number): Float64Array => Float64Array.from(bars, of);
  return {
    times: bars.map(([time]) => unixSeconds(time)),
    opens: column((bar) => bar[1]),
    highs: column((bar) => bar[2]),
    lows: column((bar) => bar[3]),
    closes: column((bar) => bar[4]),
    volumes: column((bar) => bar[5] ?? 0),
    weekdays: Uint8Array.from(local, weekdayOf),
    minutes: Uint16Array.from(local, (time) => Math.floor((time - midnightOf(time)) / 60)),
  };
}
