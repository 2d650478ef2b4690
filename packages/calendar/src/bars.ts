/**
 * Bars of an instrument by its session.
 * 1d: keyed by the exchange-local date at 00:00Z. 1h: a grid that begins at the session's open. 1m: the UTC minute.
 * What arrives at the close or shortly after it belongs to the session's last bar.
 */
import { RESOLUTION_SECONDS, type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { lastSessionMoment, type Session } from './sessions.ts';
import { DAY, fromLocal, midnightOf, toLocal } from './zoned-time.ts';

/** Key of the bar that holds a vendor's bar or a price of a running session. */
export function barKey(session: Session, resolution: NativeResolution, time: number): UnixSeconds {
  const zone = session.offset(time);
  const local = time + zone;
  const date = midnightOf(local);
  if (resolution === '1d') return unixSeconds(session.dayOf(date));
  const { open, close } = session.hoursOn(date);
  const ofDay = local - date;
  const isLate = close < DAY && ofDay >= close && ofDay <= close + session.lateSeconds;
  const inside = isLate ? close - 1 : ofDay;
  const step = RESOLUTION_SECONDS[resolution];
  const anchor = resolution === '1h' ? open % step : 0;
  const intoBar = (((inside - anchor) % step) + step) % step;
  return unixSeconds(date + inside - intoBar - zone);
}

/** Keys of the bars that a quote belongs to. Outside the known session a `REGULAR` market is believed. */
export function currentBarKeys(
  session: Session,
  quote: { time: number; marketState: string },
): Record<NativeResolution, UnixSeconds> {
  const time = quote.marketState === 'REGULAR' ? quote.time : lastSessionMoment(session, quote.time);
  return { '1m': barKey(session, '1m', time), '1h': barKey(session, '1h', time), '1d': barKey(session, '1d', time) };
}

/** When a bar's time is over by the clock; a session's last bars end with the session, half days included. */
export function barClose(session: Session, resolution: NativeResolution, key: number): number {
  const { offset } = session;
  // A 1d key is a local date, written as if it were UTC.
  if (resolution === '1d') return fromLocal(key + session.hoursOn(key).close, offset);
  const end = key + RESOLUTION_SECONDS[resolution];
  const date = midnightOf(toLocal(key, offset));
  const sessionEnd = fromLocal(date + session.hoursOn(date).close, offset);
  return key < sessionEnd && sessionEnd < end ? sessionEnd : end;
}

/** When a bar can receive no further price, apart from the vendor's delay. */
export function barEnd(session: Session, resolution: NativeResolution, key: number): number {
  const close = barClose(session, resolution, key);
  return endsSession(session, resolution, key, close) ? close + session.lateSeconds : close;
}

function endsSession(session: Session, resolution: NativeResolution, key: number, close: number): boolean {
  if (resolution === '1d') return true;
  const date = midnightOf(toLocal(key, session.offset));
  return close === fromLocal(date + session.hoursOn(date).close, session.offset);
}

/** Key of the bar before: of an earlier date, or of the moment at which the session ran last. */
export function previousBar(session: Session, resolution: NativeResolution, key: number): UnixSeconds {
  if (resolution !== '1d') return barKey(session, resolution, lastSessionMoment(session, key - 1));
  let date = key - DAY;
  while (!hasDailyBar(session, date)) date -= DAY;
  return unixSeconds(date);
}

function hasDailyBar(session: Session, date: number): boolean {
  return session.tradesOn(date) && session.dayOf(date) === date;
}

/** Keys of the bars that the sessions have in `[from, to]`, rising. */
export function sessionBars(session: Session, resolution: NativeResolution, from: number, to: number): UnixSeconds[] {
  const keys: UnixSeconds[] = [];
  const daily = resolution === '1d';
  const first = midnightOf(daily ? from : toLocal(from, session.offset));
  const last = daily ? to : toLocal(to, session.offset);
  const add = (key: number) => {
    if (key >= from && key <= to) keys.push(unixSeconds(key));
  };
  for (let date = first; date <= last; date += DAY) {
    if (daily && hasDailyBar(session, date)) add(date);
    if (daily || !session.tradesOn(date)) continue;
    for (const key of barsOfDay(session, RESOLUTION_SECONDS[resolution], date)) add(key);
  }
  return keys;
}

/** Bars in which some of the date's trading falls. */
function barsOfDay(session: Session, step: number, date: number): number[] {
  const { open, close, pause } = session.hoursOn(date);
  const keys: number[] = [];
  for (let ofDay = open; ofDay < close; ofDay += step) {
    const rests = pause !== null && ofDay >= pause.from && ofDay + step <= pause.to;
    if (!rests) keys.push(fromLocal(date + ofDay, session.offset));
  }
  return keys;
}
