/** Which bar of a series is the last closed one, and when it closed. */
import { RESOLUTION_SECONDS, type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { DAY, exchangeClock, midnightOf, type ExchangeClock } from './exchange-time.ts';

/** Where and when a ticker trades, as the table of tickers has it. */
export interface Exchange {
  timezone: string;
  /** Local minutes since midnight; null around the clock. */
  sessionOpen: number | null;
  sessionClose: number | null;
  delaySeconds: number;
}

/** For a vendor that is late with the last price of a bar. */
const GRACE_SECONDS = 60;
/** Auctions and late reports still change a session's last bar for so long after the close. */
const LATE_CLOSE_SECONDS = 30 * 60;

/** Nominal close of the bar with this key; a session's last hour ends with the session. */
export function barClose(
  exchange: Exchange,
  resolution: ForecastResolution,
  key: number,
  clock: ExchangeClock,
): number {
  const close = exchange.sessionClose === null ? null : exchange.sessionClose * 60;
  // A 1d key is the local date, written as if it were UTC.
  if (resolution === '1d') return clock.toUnix(key + (close ?? DAY));
  const end = key + RESOLUTION_SECONDS[resolution];
  if (close === null) return end;
  const local = clock.toLocal(key);
  const sessionEnd = clock.toUnix(midnightOf(local) + close);
  return key < sessionEnd && sessionEnd < end ? sessionEnd : end;
}

/**
 * @param keys keys of the series' newest bars, rising; two are enough
 * @param now Unix seconds
 * @returns when the newest closed bar closed, or null when none has
 */
export function newestClose(
  exchange: Exchange,
  resolution: ForecastResolution,
  keys: readonly number[],
  now: number,
): UnixSeconds | null {
  const clock = exchangeClock(exchange.timezone);
  const [before, newest] = keys.length < 2 ? [undefined, keys[0]] : keys.slice(-2);
  if (newest === undefined) return null;
  const close = barClose(exchange, resolution, newest, clock);
  const late = exchange.sessionClose !== null ? LATE_CLOSE_SECONDS : 0;
  const atSessionEnd =
    resolution === '1d' || close !== newest + RESOLUTION_SECONDS[resolution] || endsSession(exchange, close, clock);
  if (now >= close + (atSessionEnd ? late : 0) + exchange.delaySeconds + GRACE_SECONDS) return unixSeconds(close);
  // The newest is still open; the one before it is closed, because a later one exists.
  return before === undefined ? null : unixSeconds(barClose(exchange, resolution, before, clock));
}

function endsSession(exchange: Exchange, close: number, clock: ExchangeClock): boolean {
  const local = clock.toLocal(close);
  return exchange.sessionClose !== null && local - midnightOf(local) >= exchange.sessionClose * 60;
}

/** Key of the newest bar that had closed at `madeAt`: bars up to it, and none later, may be seen by a forecast of then. */
export function newestKeyAt(exchange: Exchange, resolution: ForecastResolution, madeAt: UnixSeconds): UnixSeconds {
  if (resolution === '1h') return unixSeconds(madeAt - 1);
  return unixSeconds(midnightOf(exchangeClock(exchange.timezone).toLocal(madeAt - 1)));
}
