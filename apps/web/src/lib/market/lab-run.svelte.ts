/** One run of the lab as the page follows it: its row by REST, its progress by the socket. */
import type { Client } from '@tapecast/client/client';
import type { LabProgress, LabRun } from '@tapecast/contracts/lab';
import { getLabRun, RestError, type Fetch } from './rest.ts';

const RETRY_MS = 3_000;

export function hasEnded({ state }: Pick<LabProgress, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

export class FollowedRun {
  run = $state.raw<LabRun | null>(null);
  /** What the socket told last; what REST told is in `run`. */
  progress = $state.raw<LabProgress | null>(null);
  problem = $state<string | null>(null);
  /** There is no such run. */
  missing = $state(false);

  /** Newest of both ways; null before anything is known. */
  get now(): LabProgress | null {
    return this.run !== null && hasEnded(this.run) ? this.run : (this.progress ?? this.run);
  }

  /** @returns ends it */
  follow(id: number, client: Client | null, fetcher: Fetch): () => void {
    [this.run, this.progress, this.problem, this.missing] = [null, null, null, false];
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      clearTimeout(timer);
      try {
        const run = await getLabRun(fetcher, id);
        if (ended) return;
        [this.run, this.problem] = [run, null];
      } catch (error) {
        if (ended) return;
        this.missing = error instanceof RestError && error.status === 404;
        this.problem = error instanceof RestError ? error.message : 'the answer of the server makes no sense';
        if (!this.missing) timer = setTimeout(() => void read(), RETRY_MS);
      }
    };
    void read();
    const stop = client?.watchLabRun(id, (progress) => {
      this.progress = progress;
      if (hasEnded(progress) && (this.run === null || !hasEnded(this.run))) void read();
    });
    return () => {
      ended = true;
      clearTimeout(timer);
      stop?.();
    };
  }
}
