/**
 * Bar keys by the exchange's session.
 * 1d: the exchange-local date at 00:00Z. 1h: a grid that begins at the session's open. 1m: the UTC minute.
 * What arrives at the close or shortly after it belongs to the session's last bar.
 */
import { RESOLUTION_SECONDS, type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { knownHours, tradesAtWeekends } from './exchanges.ts';
import type { Instrument } from './sources/source.ts';
import { fromLocal, zoneOffset, type ZoneOffset } from './zoned-time.ts';

const DAY = 86_400;
/** Closing prices are stamped up to this long after the close (auctions, late reports). */
export const LATE_CLOSE_SECONDS = 30 * 60;

export interface Session {
  offset: ZoneOffset;
  /** Local seconds since midnight; null around the clock. */
  hours: { open: number; close: number } | null;
  weekends: boolean;
}

type SessionFacts = Pick<Instrument, 'exchange' | 'timezone' | 'sessionOpen' | 'sessionClose'>;

/** @throws {RangeError} when the instrument's timezone is unknown */
export function sessionOf(instrument: SessionFacts): Session {
  const hours = sessionHours(instrument);
  return {
    offset: zoneOffset(instrument.timezone),
    hours: hours && { open: hours.open * 60, close: hours.close * 60 },
    weekends: tradesAtWeekends(instrument.exchange),
  };
}

/** What the vendor told, unless it is today's half day of an exchange that we know; the table where it told nothing. */
function sessionHours({ exchange, sessionOpen, sessionClose }: SessionFacts) {
  const known = knownHours(exchange);
  if (sessionOpen === null || sessionClose === null || sessionClose <= sessionOpen) return known ?? null;
  if (known != null && known.open === sessionOpen && sessionClose < known.close) return known;
  return { open: sessionOpen, close: sessionClose };
}

/** Key of the bar that holds a vendor's bar or a price of a running session. */
export function barKey(session: Session, resolution: NativeResolution, time: number): UnixSeconds {
  const { offset, hours } = session;
  const zone = offset(time);
  const local = time + zone;
  const midnight = Math.floor(local / DAY) * DAY;
  if (resolution === '1d') return unixSeconds(midnight);
  const ofDay = local - midnight;
  const late = hours !== null && ofDay >= hours.close && ofDay <= hours.close + LATE_CLOSE_SECONDS;
  const inside = late ? hours.close - 1 : ofDay;
  const step = RESOLUTION_SECONDS[resolution];
  const anchor = resolution === '1h' && hours !== null ? hours.open % step : 0;
  const intoBar = (((inside - anchor) % step) + step) % step;
  return unixSeconds(midnight + inside - intoBar - zone);
}

/** Keys of the bars that a quote belongs to. Outside the known session a `REGULAR` market is believed. */
export function currentBarKeys(
  session: Session,
  quote: { time: number; marketState: string },
): Record<NativeResolution, UnixSeconds> {
  const time = quote.marketState === 'REGULAR' ? quote.time : lastSessionMoment(session, quote.time);
  return { '1m': barKey(session, '1m', time), '1h': barKey(session, '1h', time), '1d': barKey(session, '1d', time) };
}

/** The last moment at or before `time` at which the session ran. */
export function lastSessionMoment(session: Session, time: number): number {
  const { offset, hours, weekends } = session;
  if (hours === null && weekends) return time;
  const local = time + offset(time);
  let midnight = Math.floor(local / DAY) * DAY;
  const ofDay = local - midnight;
  const open = hours?.open ?? 0;
  const close = hours?.close ?? DAY;
  if (isTradingDay(midnight, weekends) && ofDay >= open) {
    return ofDay < close ? time : fromLocal(midnight + close - 1, offset);
  }
  do midnight -= DAY;
  while (!isTradingDay(midnight, weekends));
  return fromLocal(midnight + close - 1, offset);
}

/** 1970-01-01 was a Thursday. */
function isTradingDay(localMidnight: number, weekends: boolean): boolean {
  const weekday = (localMidnight / DAY + 4) % 7;
  return weekends || (weekday !== 0 && weekday !== 6);
}

/** When a bar can receive no further price, apart from the vendor's delay. */
export function barEnd(session: Session, resolution: NativeResolution, key: number): number {
  const { offset, hours } = session;
  if (resolution === '1d') {
    // The key is a local date, written as if it were UTC.
    return hours === null ? fromLocal(key + DAY, offset) : fromLocal(key + hours.close + LATE_CLOSE_SECONDS, offset);
  }
  const end = key + RESOLUTION_SECONDS[resolution];
  if (hours === null) return end;
  const local = key + offset(key);
  const midnight = Math.floor(local / DAY) * DAY;
  const isLast = local - midnight < hours.close && end + offset(end) - midnight >= hours.close;
  return isLast ? fromLocal(midnight + hours.close + LATE_CLOSE_SECONDS, offset) : end;
}
