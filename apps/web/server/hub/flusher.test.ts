import { beforeEach, afterEach, expect, it, vi } from 'vitest';
import { Flusher, type Flushable } from './flusher.ts';

class Client implements Flushable {
  lastFrameAt = Number.NEGATIVE_INFINITY;
  waiting = false;
  drained = true;
  readonly frames: number[] = [];

  flush(now: number): void {
    this.frames.push(now);
    this.lastFrameAt = now;
  }
}

let flusher: Flusher;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
  flusher = new Flusher(100);
});
afterEach(() => {
  flusher.close();
  vi.useRealTimers();
});
const start = () => performance.now();

it('sends at once to who was idle, and one frame for what comes in one turn', () => {
  const client = new Client();
  const at = start();
  flusher.add(client);
  flusher.add(client);
  vi.advanceTimersByTime(1);
  expect(client.frames).toHaveLength(1);
  expect((client.frames[0] ?? 0) - at).toBeLessThanOrEqual(1);
});

it('lets nobody wait longer than the interval, and sends at most a quarter of it early', () => {
  const clients = Array.from({ length: 50 }, () => new Client());
  const addedAt = new Map<Client, number>();
  const waits: number[] = [];
  for (let ms = 0; ms < 3_000; ms += 1) {
    for (const [index, client] of clients.entries()) {
      if ((ms * 7 + index * 13) % 11 !== 0) continue;
      if (!addedAt.has(client)) addedAt.set(client, performance.now());
      flusher.add(client);
    }
    vi.advanceTimersByTime(1);
    for (const client of clients) {
      const added = addedAt.get(client);
      if (added === undefined || client.lastFrameAt < added) continue;
      waits.push(client.lastFrameAt - added);
      addedAt.delete(client);
    }
  }
  expect(Math.max(...waits)).toBeLessThanOrEqual(101);
  for (const { frames } of clients) {
    const pauses = frames.slice(1).map((at, index) => at - (frames[index] ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(74);
  }
  // In company: far fewer moments than frames.
  const moments = new Set(clients.flatMap(({ frames }) => frames.slice(5).map((at) => Math.round(at))));
  const frames = clients.reduce((sum, client) => sum + client.frames.length - 5, 0);
  expect(moments.size * 5).toBeLessThan(frames);
});

it('keeps a client waiting until its transport has drained, and then sends', () => {
  const client = new Client();
  client.drained = false;
  flusher.add(client);
  vi.advanceTimersByTime(1_000);
  expect(client.frames).toEqual([]);
  client.drained = true;
  vi.advanceTimersByTime(60);
  expect(client.frames).toHaveLength(1);
});

it('sends nothing to who has left', () => {
  const client = new Client();
  flusher.add(client);
  flusher.remove(client);
  vi.advanceTimersByTime(500);
  expect(client.frames).toEqual([]);
});
