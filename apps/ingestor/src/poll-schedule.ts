/** When to poll what. One process keeps its own beat; several share theirs through a queue, behind the same interface. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { type Clock } from '@tapecast/ingest/clock';

export interface PollSchedule {
  /**
   * Calls `poll` at each beat until the signal is aborted; never a second time for a ticker before the first is done.
   * `share` are the tickers of this poll; without it, all.
   */
  run(poll: (share?: readonly Ticker[]) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/** A fixed beat without drift; a beat that a slow poll ran over is left out. */
export function createTimerSchedule({ periodMs, clock }: { periodMs: number; clock: Clock }): PollSchedule {
  return {
    run: async (poll, signal) => {
      let beat = clock.now();
      while (!signal.aborted) {
        await poll();
        if (signal.aborted) return;
        const now = clock.now();
        beat += periodMs * Math.max(1, Math.ceil((now - beat) / periodMs));
        await clock.sleep(beat - now, signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
      }
    },
  };
}
