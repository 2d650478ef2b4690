/** Polls the source at each beat of the schedule and hands on what came of it. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { type Clock } from '@tapecast/ingest/clock';
import { type PriceSource } from '@tapecast/ingest/sources/source';
import { type Poll } from '@tapecast/ingest/write';
import { type PollSchedule } from './poll-schedule.ts';

export interface PollLoopOptions {
  source: PriceSource;
  schedule: PollSchedule;
  clock: Clock;
  tickers(): readonly Ticker[];
  onPoll(poll: Poll): void;
}

/** Works until the signal is aborted. Never throws because of the vendor: its faults are polls too. */
export async function runPollLoop(options: PollLoopOptions, signal: AbortSignal): Promise<void> {
  await options.schedule.run(async (share) => {
    const poll = await pollOnce(options, share ?? options.tickers(), signal);
    if (poll !== null && !signal.aborted) options.onPoll(poll);
  }, signal);
}

async function pollOnce(
  { source, clock }: PollLoopOptions,
  wanted: readonly Ticker[],
  signal: AbortSignal,
): Promise<Poll | null> {
  if (wanted.length === 0) return null;
  try {
    const reply = await source.quotes(wanted, signal);
    return { receivedAt: clock.now(), reply };
  } catch (error) {
    return { receivedAt: clock.now(), error: error instanceof Error ? error.message : String(error) };
  }
}
