/** Exchanges of no code that is known, so that no holidays are, and hourly or daily keys of their sessions. */
import { DAY, fromLocal, weekdayOf, zoneOffset } from '@tapecast/calendar/zoned-time';
import { type Exchange } from './closed-bar.ts';

export const NEW_YORK: Exchange = {
  exchange: null,
  timezone: 'America/New_York',
  sessionOpen: 570,
  sessionClose: 960,
  delaySeconds: 0,
};
export const MUMBAI: Exchange = {
  exchange: null,
  timezone: 'Asia/Kolkata',
  sessionOpen: 555,
  sessionClose: 930,
  delaySeconds: 900,
};
export const TOKYO: Exchange = {
  exchange: null,
  timezone: 'Asia/Tokyo',
  sessionOpen: 540,
  sessionClose: 930,
  delaySeconds: 1_200,
};
export const CRYPTO: Exchange = {
  exchange: 'CCC',
  timezone: 'UTC',
  sessionOpen: null,
  sessionClose: null,
  delaySeconds: 0,
};
export const FOREX: Exchange = {
  exchange: 'CCY',
  timezone: 'Europe/London',
  sessionOpen: null,
  sessionClose: null,
  delaySeconds: 0,
};

/** Unix seconds of an ISO time. */
export function at(iso: string): number {
  return Date.parse(iso) / 1_000;
}

/** Hourly keys of the sessions of workdays from one date up to and including another, both exchange-local. */
export function sessionHours(exchange: Exchange, from: string, to: string): number[] {
  const offset = zoneOffset(exchange.timezone);
  const [open, close] = [(exchange.sessionOpen ?? 0) * 60, (exchange.sessionClose ?? 1_440) * 60];
  return workdays(from, to).flatMap((day) =>
    Array.from({ length: Math.ceil((close - open) / 3_600) }, (_, hour) =>
      fromLocal(day + open + hour * 3_600, offset),
    ),
  );
}

/** Daily keys of workdays. */
export function workdays(from: string, to: string): number[] {
  return days(from, to).filter((day) => weekdayOf(day) !== 0 && weekdayOf(day) !== 6);
}

export function days(from: string, to: string): number[] {
  const first = at(`${from}T00:00:00Z`);
  return Array.from({ length: (at(`${to}T00:00:00Z`) - first) / DAY + 1 }, (_, day) => first + day * DAY);
}
