/** Writes buffered polls in order. While the database is away it waits; a poll that can never be written is let go. */
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { type Clock } from '@tapecast/ingest/clock';
import { type Poll, type QuoteWriter, type WriteResult } from '@tapecast/ingest/write';
import { type PollBuffer } from './poll-buffer.ts';

export interface PollWriterOptions {
  buffer: PollBuffer<Poll>;
  writer: QuoteWriter;
  clock: Clock;
  onWritten(poll: Poll, result: WriteResult): void;
  /** Called once per outage. */
  onUnavailable(error: DatabaseUnavailableError): void;
  onRefused(error: unknown): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

export async function runPollWriter(options: PollWriterOptions, signal: AbortSignal): Promise<void> {
  const { buffer, writer, clock } = options;
  let pause = FIRST_PAUSE_MS;
  try {
    for (;;) {
      const poll = await buffer.peek(signal);
      try {
        const result = await writer.write(poll);
        buffer.drop(poll);
        pause = FIRST_PAUSE_MS;
        options.onWritten(poll, result);
      } catch (error) {
        if (error instanceof DatabaseUnavailableError) {
          if (pause === FIRST_PAUSE_MS) options.onUnavailable(error);
          await clock.sleep(pause, signal);
          pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
        } else {
          buffer.drop(poll);
          options.onRefused(error);
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
