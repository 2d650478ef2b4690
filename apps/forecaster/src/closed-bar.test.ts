import { unixSeconds } from '@tapecast/contracts/units';
import { expect, test } from 'vitest';
import { newestClose, newestKeyAt } from './closed-bar.ts';
import { at, CRYPTO, MUMBAI, NEW_YORK, TOKYO } from './exchanges.fixture.ts';

test('a bar is closed once a later one exists', () => {
  const keys = [at('2026-11-20T14:30:00Z'), at('2026-11-20T15:30:00Z')];
  expect(newestClose(NEW_YORK, '1h', keys, at('2026-11-20T15:30:05Z'))).toBe(at('2026-11-20T15:30:00Z'));
});

test('the newest bar is closed when its end, the delay and a grace have passed', () => {
  const keys = [at('2026-11-20T14:30:00Z'), at('2026-11-20T15:30:00Z')];
  expect(newestClose(NEW_YORK, '1h', keys, at('2026-11-20T16:30:59Z'))).toBe(keys[1]);
  expect(newestClose(NEW_YORK, '1h', keys, at('2026-11-20T16:31:00Z'))).toBe(at('2026-11-20T16:30:00Z'));
  const delayed = { ...NEW_YORK, delaySeconds: 900 };
  expect(newestClose(delayed, '1h', keys, at('2026-11-20T16:31:00Z'))).toBe(keys[1]);
});

test('the last hour of a session ends with the session, and late prices are waited for', () => {
  const keys = [at('2026-11-20T19:30:00Z'), at('2026-11-20T20:30:00Z')];
  expect(newestClose(NEW_YORK, '1h', keys, at('2026-11-20T21:30:59Z'))).toBe(keys[1]);
  expect(newestClose(NEW_YORK, '1h', keys, at('2026-11-20T21:31:00Z'))).toBe(at('2026-11-20T21:00:00Z'));
});

test('a day closes with its session, in the exchange’s own time', () => {
  const winter = [at('2026-11-19T00:00:00Z'), at('2026-11-20T00:00:00Z')];
  expect(newestClose(NEW_YORK, '1d', winter, at('2026-11-21T00:00:00Z'))).toBe(at('2026-11-20T21:00:00Z'));
  expect(newestClose(NEW_YORK, '1d', winter, at('2026-11-20T20:00:00Z'))).toBe(at('2026-11-19T21:00:00Z'));
  const summer = [at('2026-07-16T00:00:00Z'), at('2026-07-17T00:00:00Z')];
  expect(newestClose(NEW_YORK, '1d', summer, at('2026-07-18T00:00:00Z'))).toBe(at('2026-07-17T20:00:00Z'));
  expect(newestClose(TOKYO, '1d', winter, at('2026-11-21T00:00:00Z'))).toBe(at('2026-11-20T06:30:00Z'));
  expect(newestClose(CRYPTO, '1d', winter, at('2026-11-20T12:00:00Z'))).toBe(at('2026-11-20T00:00:00Z'));
});

test('a half day closes early, its last hour with it', () => {
  const nasdaq = { ...NEW_YORK, exchange: 'NMS' };
  const evening = at('2026-11-27T18:31:00Z');
  expect(newestClose(nasdaq, '1d', [at('2026-11-27T00:00:00Z')], evening)).toBe(at('2026-11-27T18:00:00Z'));
  expect(newestClose(nasdaq, '1h', [at('2026-11-27T17:30:00Z')], evening)).toBe(at('2026-11-27T18:00:00Z'));
  expect(newestClose(nasdaq, '1h', [at('2026-11-27T17:30:00Z')], evening - 1)).toBeNull();
});

test('a first bar that is still open closes nothing', () => {
  expect(newestClose(CRYPTO, '1h', [], at('2026-11-20T12:00:00Z'))).toBeNull();
  expect(newestClose(CRYPTO, '1h', [at('2026-11-20T12:00:00Z')], at('2026-11-20T12:10:00Z'))).toBeNull();
});

test.each([NEW_YORK, MUMBAI, TOKYO, CRYPTO, { ...CRYPTO, timezone: 'America/Chicago' }])(
  'a forecast made at a close in $timezone sees that bar and no later one',
  (exchange) => {
    const keys = ['2026-11-18', '2026-11-19', '2026-11-20'].map((date) => at(`${date}T00:00:00Z`));
    const madeAt = newestClose(exchange, '1d', keys.slice(0, 2), at('2026-11-25T00:00:00Z'));
    if (madeAt === null) throw new Error('no bar has closed');
    expect(newestKeyAt(exchange, '1d', madeAt)).toBe(keys[1]);
    const hour = at('2026-11-20T04:45:00Z');
    const hourly = newestClose(exchange, '1h', [hour], at('2026-11-25T00:00:00Z'));
    const until = newestKeyAt(exchange, '1h', unixSeconds(hourly ?? 0));
    expect(until).toBeGreaterThanOrEqual(hour);
    expect(until).toBeLessThan(hour + 3_600);
  },
);
