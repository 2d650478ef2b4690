import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { type Poll } from '@tapecast/ingest/write';
import { describe, expect, it } from 'vitest';
import { createPollBuffer } from './poll-buffer.ts';
import { runPollWriter } from './poll-writer.ts';

const poll = (receivedAt: number): Poll => ({ receivedAt, reply: { quotes: [], rejected: [] } });

/** Runs the writer over polls 1…count while the database does what `fate` says at each attempt. */
async function write(count: number, capacity: number, fate: (attempt: number, poll: Poll) => Error | null) {
  const buffer = createPollBuffer<Poll>(capacity);
  const stop = new AbortController();
  const written: number[] = [];
  const events: string[] = [];
  for (let number = 1; number <= count; number += 1) buffer.push(poll(number));
  let attempts = 0;
  const last = () => {
    if (buffer.size === 0) stop.abort();
  };
  await runPollWriter(
    {
      buffer,
      clock: { now: () => 0, sleep: async () => undefined },
      writer: {
        write: async (next) => {
          attempts += 1;
          const error = fate(attempts, next);
          if (error !== null) throw error;
          written.push(next.receivedAt);
          return { accepted: 1, rejected: [], restated: [] };
        },
      },
      onWritten: last,
      onUnavailable: () => events.push('unavailable'),
      onRefused: () => {
        events.push('refused');
        last();
      },
    },
    stop.signal,
  );
  return { written, events, lost: buffer.lost };
}

const away = new DatabaseUnavailableError(new Error('ECONNREFUSED'));

describe('poll writer', () => {
  it('keeps polls while the database is away and writes them in order on return', async () => {
    const { written, events, lost } = await write(5, 10, (attempt) => (attempt >= 2 && attempt <= 7 ? away : null));
    expect(written).toEqual([1, 2, 3, 4, 5]);
    expect(events).toEqual(['unavailable']);
    expect(lost).toBe(0);
  });

  it('gives up the oldest polls when the database stays away for too long, and counts them', async () => {
    const { written, lost } = await write(8, 3, () => null);
    expect(written).toEqual([6, 7, 8]);
    expect(lost).toBe(5);
  });

  it('does not stop at a poll that can never be written', async () => {
    const { written, events } = await write(3, 10, (_attempt, next) =>
      next.receivedAt === 2 ? new Error('check violated') : null,
    );
    expect(written).toEqual([1, 3]);
    expect(events).toEqual(['refused']);
  });
});
