import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { describeConnection, describeFreshness } from './freshness.ts';

const at = (text: string) => unixSeconds(Date.parse(text) / 1_000);
const now = at('2026-11-21T14:05:00Z');
const asOf = at('2026-11-21T14:03:20Z');
const live = { state: 'live', asOf, delaySeconds: 0 } as const;

describe('describeFreshness', () => {
  it('says how long the delay is', () => {
    expect(describeFreshness({ state: 'delayed', asOf, delaySeconds: 900 }, now, 'UTC').label).toBe('delayed 15 min');
  });

  it('says since when there is no news', () => {
    expect(describeFreshness({ ...live, state: 'stale' }, now, 'UTC').label).toBe('no news since 14:03:20');
    expect(describeFreshness({ ...live, state: 'stale', asOf: null }, now, 'UTC').label).toBe('no news yet');
  });

  it('says when the market opens only where that is known', () => {
    const closed = { ...live, state: 'closed' } as const;
    const opensAt = at('2026-11-23T14:30:00Z');
    expect(describeFreshness({ ...closed, opensAt }, now, 'Europe/Berlin').label).toBe(
      'closed, opens Mon 15:30 (your time)',
    );
    expect(describeFreshness({ ...closed, opensAt: null }, now, 'UTC').label).toBe('market closed');
  });
});

describe('describeConnection', () => {
  it('does not call a price live over a broken connection', () => {
    const broken = { state: 'reconnecting', since: now * 1_000, lastDataAt: asOf * 1_000, problem: null } as const;
    expect(describeConnection(broken, live, now, 'UTC')).toMatchObject({
      state: 'reconnecting',
      label: 'reconnecting, data as of 14:03:20',
    });
  });

  it('says what the feed says once connected, and nothing before', () => {
    const connected = { state: 'connected', since: now * 1_000, lastDataAt: asOf * 1_000, problem: null } as const;
    expect(describeConnection(connected, live, now).label).toBe('live');
    expect(describeConnection(connected, null, now).label).toBe('connected, no prices yet');
    expect(describeConnection({ ...connected, state: 'connecting' }, live, now).label).toBe('connecting');
  });
});
