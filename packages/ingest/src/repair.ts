/**
 * When to look for gaps. Between two fills a series consists of live bars, and of nothing where polling failed; backfill.ts
 * asks for the vendor's own.
 */
import { barEnd, barKey, previousBar } from '@tapecast/calendar/bars';
import { lastSessionMoment, type Session } from '@tapecast/calendar/sessions';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { CLOSED_GRACE_SECONDS } from './normalise.ts';

export interface MarketFacts {
  delaySeconds: number;
  /** The vendor says that the market is open. Outside of the known session it is believed. */
  isOpen: boolean;
}

/** Key of the newest bar that the vendor should have finished by `now`. */
export function newestClosedBar(
  session: Session,
  resolution: NativeResolution,
  now: number,
  { delaySeconds, isOpen }: MarketFacts,
): UnixSeconds {
  const closed = (key: number) => barEnd(session, resolution, key) + delaySeconds + CLOSED_GRACE_SECONDS <= now;
  const lastMoment = lastSessionMoment(session, now);
  const unscheduled = isOpen && lastMoment !== now;
  let key = barKey(session, resolution, unscheduled ? now : lastMoment);
  while (!closed(key)) {
    key =
      unscheduled && resolution !== '1d' ? barKey(session, resolution, key - 1) : previousBar(session, resolution, key);
  }
  return unixSeconds(key);
}

/** When the running hour of the session's grid will have closed: then vendor bars replace its live ones. */
export function nextHourClose(session: Session, now: number, delaySeconds: number): number {
  const hour = barKey(session, '1h', now);
  return Math.max(now + 60, barEnd(session, '1h', hour) + delaySeconds + 2 * CLOSED_GRACE_SECONDS);
}
