/** How fresh a ticker's price is. Pure: the clock is an argument. */
import { isOpenAt, lastSessionMoment, nextOpen, sessionOf, type SessionFacts } from '@tapecast/calendar/sessions';
import type { Freshness } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';

export interface FreshnessInputs {
  ticker: SessionFacts & { delaySeconds: number };
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
/** A session's last price is stamped up to this long after its end. */
const CLOSING_SECONDS = 60;

export function freshnessOf({ ticker, quote, feed, databaseGone, now }: FreshnessInputs): Freshness {
  const asOf = quote?.quoteTime ?? null;
  const delaySeconds = quote?.delaySeconds ?? ticker.delaySeconds;
  const patience = Math.max(MUTE_POLLS * (feed?.pollSeconds ?? 0), MUTE_SECONDS);
  const mute = databaseGone || feed === null || feed.okAt === null || now - feed.okAt > patience;
  if (mute || quote === null) return { state: 'stale', asOf, delaySeconds };
  if (quote.source === 'simulated') return { state: 'simulated', asOf, delaySeconds };
  const grain = quote.quoteTime % MINUTE === 0 ? MINUTE : 0;
  const silent = now - quote.quoteTime > delaySeconds + grain + patience;
  const isOpen = quote.marketState === 'REGULAR';
  if (isOpen && !silent) return { state: delaySeconds > 0 ? 'delayed' : 'live', asOf, delaySeconds };
  const session = sessionOf(ticker);
  // A vendor that still says REGULAR on a holiday or after a half day is believed only where prices came after the session.
  const sessionEnded = !isOpenAt(session, now) && quote.quoteTime <= lastSessionMoment(session, now) + CLOSING_SECONDS;
  if (isOpen && !sessionEnded) return { state: 'stale', asOf, delaySeconds };
  const opensAt = nextOpen(session, now);
  return { state: 'closed', asOf, delaySeconds, opensAt: opensAt === null ? null : unixSeconds(opensAt) };
}
