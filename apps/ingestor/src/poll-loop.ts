/** Polls on a fixed beat: never two at a time, without drift; a beat that a slow poll ran over is left out. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { type Clock } from '@tapecast/ingest/clock';
import { type PriceSource } from '@tapecast/ingest/sources/source';
import { type Poll } from '@tapecast/ingest/write';

export interface PollLoopOptions {
  source: PriceSource;
  periodMs: number;
  clock: Clock;
  tickers(): readonly Ticker[];
  onPoll(poll: Poll): void;
}

/** Works until the signal is aborted. Never throws because of the vendor: its faults are polls too. */
export async function runPollLoop(options: PollLoopOptions, signal: AbortSignal): Promise<void> {
  const { clock, periodMs } = options;
  let beat = clock.now();
  while (!signal.aborted) {
    const poll = await pollOnce(options, signal);
    if (signal.aborted) return;
    if (poll !== null) options.onPoll(poll);
    const now = clock.now();
    beat += periodMs * Math.max(1, Math.ceil((now - beat) / periodMs));
    await clock.sleep(beat - now, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

async function pollOnce({ source, clock, tickers }: PollLoopOptions, signal: AbortSignal): Promise<Poll | null> {
  const wanted = tickers();
  if (wanted.length === 0) return null;
  try {
    const reply = await source.quotes(wanted, signal);
    return { receivedAt: clock.now(), reply };
  } catch (error) {
    return { receivedAt: clock.now(), error: error instanceof Error ? error.message : String(error) };
  }
}
