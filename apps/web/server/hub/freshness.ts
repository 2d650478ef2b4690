/** How fresh a ticker's price is. Pure: the clock is an argument. */
import type { Freshness } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';

export interface FreshnessInputs {
  ticker: { timezone: string; sessionOpen: number | null; delaySeconds: number };
  quote: { quoteTime: UnixSeconds; marketState: string; delaySeconds: number; source: string } | null;
  feed: { source: string; pollSeconds: number; okAt: UnixSeconds | null } | null;
  /** The database cannot be asked, so nothing newer can be known. */
  databaseGone: boolean;
  now: UnixSeconds;
}

/** So many polls may fail before silence counts, and never less than this. */
const MUTE_POLLS = 5;
const MUTE_SECONDS = 15;
/** Some quotes are stamped by the minute in which they were made (crypto does so): all through it nothing newer can come. */
const MINUTE = 60;

export function freshnessOf({ ticker, quote, feed, databaseGone, now }: FreshnessInputs): Freshness {
  const asOf = quote?.quoteTime ?? null;
  const delaySeconds = quote?.delaySeconds ?? ticker.delaySeconds;
  const patience = Math.max(MUTE_POLLS * (feed?.pollSeconds ?? 0), MUTE_SECONDS);
  const mute = databaseGone || feed === null || feed.okAt === null || now - feed.okAt > patience;
  if (mute || quote === null) return { state: 'stale', asOf, delaySeconds };
  if (quote.source === 'simulated') return { state: 'simulated', asOf, delaySeconds };
  if (quote.marketState !== 'REGULAR') {
    const opensAt = ticker.sessionOpen === null ? null : nextOpen(ticker.timezone, ticker.sessionOpen, now);
    return { state: 'closed', asOf, delaySeconds, opensAt };
  }
  const grain = quote.quoteTime % MINUTE === 0 ? MINUTE : 0;
  if (now - quote.quoteTime > delaySeconds + grain + patience) return { state: 'stale', asOf, delaySeconds };
  return { state: delaySeconds > 0 ? 'delayed' : 'live', asOf, delaySeconds };
}

const DAY = 86_400;
const SATURDAY = 6;

/**
 * The next weekday's session start after `now`; holidays are not known here.
 * @param openMinute exchange-local minutes since midnight
 */
export function nextOpen(timezone: string, openMinute: number, now: UnixSeconds): UnixSeconds {
  const localMidnight = Math.floor((now + offsetSeconds(timezone, now)) / DAY) * DAY;
  for (let day = 0; ; day += 1) {
    const local = localMidnight + day * DAY + openMinute * 60;
    // Twice, because the offset may change between now and then.
    const guess = local - offsetSeconds(timezone, local);
    const opensAt = local - offsetSeconds(timezone, guess);
    const weekday = new Date(local * 1_000).getUTCDay();
    if (weekday !== 0 && weekday !== SATURDAY && opensAt > now) return unixSeconds(opensAt);
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Local minus UTC at an instant. */
function offsetSeconds(timezone: string, at: number): number {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
    formats.set(timezone, format);
  }
  const name = format.formatToParts(at * 1_000).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  const [, sign, hours, minutes, seconds] = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(name) ?? [];
  const size = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return sign === '-' ? -size : size;
}
