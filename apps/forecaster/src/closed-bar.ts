/** Which bar of a series is the last closed one, and when it closed. */
import { barClose, barEnd } from '@tapecast/calendar/bars';
import { sessionOf, type SessionFacts } from '@tapecast/calendar/sessions';
import { midnightOf, toLocal, zoneOffset } from '@tapecast/calendar/zoned-time';
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';

/** Where and when a ticker trades, as the table of tickers has it. */
export interface Exchange extends SessionFacts {
  delaySeconds: number;
}

/** For a vendor that is late with the last price of a bar. */
const GRACE_SECONDS = 60;

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
  const session = sessionOf(exchange);
  const [before, newest] = keys.length < 2 ? [undefined, keys[0]] : keys.slice(-2);
  if (newest === undefined) return null;
  if (now >= barEnd(session, resolution, newest) + exchange.delaySeconds + GRACE_SECONDS) {
    return unixSeconds(barClose(session, resolution, newest));
  }
  // The newest is still open; the one before it is closed, because a later one exists.
  return before === undefined ? null : unixSeconds(barClose(session, resolution, before));
}

/** Key of the newest bar that had closed at `madeAt`: bars up to it, and none later, may be seen by a forecast of then. */
export function newestKeyAt(exchange: Exchange, resolution: ForecastResolution, madeAt: UnixSeconds): UnixSeconds {
  if (resolution === '1h') return unixSeconds(madeAt - 1);
  return unixSeconds(midnightOf(toLocal(madeAt - 1, zoneOffset(exchange.timezone))));
}
