import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createQuietTimer, type QuietTimer } from './quiet-timer.ts';

let timer: QuietTimer;
let rang: number[];
let stop: AbortController;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  timer = createQuietTimer({ quietMs: 1_000, longestMs: 5_000, now: Date.now });
  rang = [];
  stop = new AbortController();
  void (async () => {
    while (!stop.signal.aborted) {
      await timer.wait(stop.signal);
      rang.push(Date.now());
    }
  })();
});
afterEach(() => {
  stop.abort();
  vi.useRealTimers();
});

test('rings after the quiet that follows the last touch', async () => {
  timer.touch();
  await vi.advanceTimersByTimeAsync(600);
  timer.touch();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(rang).toEqual([1_600]);
});

test('rings in the end although it never gets quiet, and again', async () => {
  for (let i = 0; i < 24; i++) {
    timer.touch();
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(rang).toEqual([5_000, 10_000]);
});

test('rings at the earlier of what it was set to and the quiet', async () => {
  timer.ringIn(700);
  timer.ringIn(9_000);
  timer.touch();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(rang).toEqual([700]);
});
