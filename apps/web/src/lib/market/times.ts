/**
 * Times as words. `zone` is an IANA name; without one it is the viewer's.
 * Keys of 1d and 1w bars are dates at 00:00Z, so they are read in UTC wherever the viewer sits.
 */
import type { Resolution } from '@tapecast/contracts/resolution';
import { DAY } from './resolutions.ts';

const formatters = new Map<string, Intl.DateTimeFormat>();

function format(time: number, zone: string | undefined, options: Intl.DateTimeFormatOptions): string {
  const key = `${zone ?? ''}${JSON.stringify(options)}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-GB', { ...options, ...(zone === undefined ? {} : { timeZone: zone }) });
    formatters.set(key, formatter);
  }
  // British English has one month of four letters.
  return formatter.format(time * 1_000).replace('Sept', 'Sep');
}

/** `14:03:20` */
export function clock(time: number, zone?: string): string {
  return format(time, zone, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
}

/** `14:03` */
export function hourMinute(time: number, zone?: string): string {
  return format(time, zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** `Mon` or `Monday` */
export function weekday(time: number, zone?: string, length: 'short' | 'long' = 'short'): string {
  return format(time, zone, { weekday: length });
}

/** `Fri 21 Nov` */
export function dayMonth(time: number, zone?: string): string {
  return format(time, zone, { weekday: 'short', day: 'numeric', month: 'short' }).replace(',', '');
}

/** `Fri 21 Nov 2026` */
export function fullDate(time: number, zone?: string): string {
  return format(time, zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).replace(',', '');
}

/** `21 Nov 2026` */
export function plainDate(time: number, zone?: string): string {
  return format(time, zone, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** Part of a date for a tick on the time axis. */
export function datePart(time: number, part: 'year' | 'month' | 'day', zone?: string): string {
  if (part === 'year') return format(time, zone, { year: 'numeric' });
  return part === 'month' ? format(time, zone, { month: 'short' }) : format(time, zone, { day: 'numeric' });
}

/** The calendar date in the zone, as a time at 00:00Z: the same key that a 1d bar of that date has. */
export function dateKey(time: number, zone?: string): number {
  const [day, month, year] = format(time, zone, { year: 'numeric', month: '2-digit', day: '2-digit' })
    .split('/')
    .map(Number);
  return Date.UTC(year ?? 1970, (month ?? 1) - 1, day ?? 1) / 1_000;
}

/** `14:03:20` on the viewer's today, `Fri 14:03` within a week, `Fri 14 Nov 14:03` before. */
export function moment(time: number, now: number, zone?: string): string {
  const age = dateKey(now, zone) - dateKey(time, zone);
  if (age === 0) return clock(time, zone);
  if (age > 0 && age < 7 * DAY) return `${weekday(time, zone)} ${hourMinute(time, zone)}`;
  return `${dayMonth(time, zone)} ${hourMinute(time, zone)}`;
}

/** Time of a bar for the legend. */
export function barTime(time: number, resolution: Resolution, zone?: string): string {
  if (resolution === '1w') return `week of ${fullDate(time, 'UTC')}`;
  if (resolution === '1d') return fullDate(time, 'UTC');
  return `${dayMonth(time, zone)} ${hourMinute(time, zone)}`;
}

/** `New York` of `America/New_York`. */
export function cityOf(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ');
}

/** `< 1 ms`, `12 ms`, `1.4 s`, `8 s`, and as `duration` from there */
export function milliseconds(span: number): string {
  if (span < 1) return '< 1 ms';
  if (span < 1_000) return `${Math.round(span)} ms`;
  return span < 9_950 ? `${(span / 1_000).toFixed(1)} s` : duration(span / 1_000);
}

/** `8 s`, `3 min`, `2 h`, `4 d` */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * DAY ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / DAY)} d`;
}
