/** What the page says about how fresh a price is. It never says more than is known. */
import type { Connection } from '@tapecast/client/client';
import type { Freshness, FreshnessState } from '@tapecast/contracts/ticker';
import { duration, hourMinute, moment, weekday } from './times.ts';

export type ShownState = FreshnessState | 'connecting' | 'connected' | 'reconnecting';

export interface Words {
  state: ShownState;
  /** The whole sentence. */
  label: string;
  /** For a badge in a narrow row, null where a quiet dot says it. */
  badge: string | null;
}

export function describeFreshness(freshness: Freshness, now: number, zone?: string): Words {
  const { state, asOf, delaySeconds, opensAt } = freshness;
  switch (state) {
    case 'live':
      return { state, label: 'live', badge: null };
    case 'simulated':
      return { state, label: 'simulated', badge: 'simulated' };
    case 'delayed':
      return { state, label: `delayed ${duration(delaySeconds)}`, badge: `delayed ${duration(delaySeconds)}` };
    case 'stale':
      return {
        state,
        label: asOf === null ? 'no news yet' : `no news since ${moment(asOf, now, zone)}`,
        badge: 'stale',
      };
    case 'closed':
      return {
        state,
        label:
          opensAt == null
            ? 'market closed'
            : `closed, opens ${weekday(opensAt, zone)} ${hourMinute(opensAt, zone)} (your time)`,
        badge: 'closed',
      };
  }
}

/** The connection comes first: over a broken one, the last state that was heard proves nothing. */
export function describeConnection(
  connection: Connection,
  freshness: Freshness | null,
  now: number,
  zone?: string,
): Words {
  const { lastDataAt } = connection;
  if (connection.state === 'reconnecting') {
    const since = lastDataAt === null ? 'no data yet' : `data as of ${moment(lastDataAt / 1_000, now, zone)}`;
    return { state: 'reconnecting', label: `reconnecting, ${since}`, badge: null };
  }
  if (connection.state === 'connecting') return { state: 'connecting', label: 'connecting', badge: null };
  // Over a good connection, but nothing was said of a price.
  if (freshness === null) return { state: 'connected', label: 'connected, no prices yet', badge: null };
  return describeFreshness(freshness, now, zone);
}
