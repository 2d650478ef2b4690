/** Gathers the series that are due into as few subscribes as the protocol allows, and sees to their acks. */
import type * as Protocol from '@tapecast/contracts/socket';
import type { SubscribeAck, SubscribeRequest, WireError } from '@tapecast/contracts/socket';
import { backoffMs, type Clock } from './clock.ts';
import { type Series } from './series.ts';

// Types only are imported, for the browser's sake: a changed contract does not compile.
const MAX_SERIES: typeof Protocol.MAX_SERIES_PER_SUBSCRIBE = 500;
const ACK_TIMEOUT_MS = 10_000;

/** Worth another try; everything else is the answer. */
const PASSING: ReadonlySet<WireError['code']> = new Set(['unavailable', 'rate_limited']);
const TIMED_OUT: WireError = {
  code: 'unavailable',
  message: `no answer within ${ACK_TIMEOUT_MS / 1_000} s; asking again`,
};

export interface QuestionsOptions {
  send(request: SubscribeRequest, ack: (answer: SubscribeAck) => void): void;
  series(): Iterable<Series>;
  clock: Clock;
  random: () => number;
}

export class Questions {
  readonly #options: QuestionsOptions;
  readonly #cancels = new Set<() => void>();
  #planned = false;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Asks for all that is due, once the current task is done: subscribes of one task share a message. */
  plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#after(0, () => {
      this.#planned = false;
      const due = [...this.#options.series()].filter((series) => series.phase === 'due');
      for (let start = 0; start < due.length; start += MAX_SERIES) this.#ask(due.slice(start, start + MAX_SERIES));
    });
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #ask(asked: Series[]): void {
    const attempts = new Map(asked.map((series) => [series, (series.attempt += 1)]));
    const request = { series: asked.map((series) => series.request()) };
    for (const series of asked) series.signal('sent');
    const current = () => asked.filter((series) => series.attempt === attempts.get(series));
    const stopWaiting = this.#after(ACK_TIMEOUT_MS, () => {
      for (const series of current()) if (series.phase === 'asking') this.#fail(series, TIMED_OUT);
    });
    this.#options.send(request, (answer) => {
      stopWaiting();
      this.#take(current(), answer);
      this.plan();
    });
  }

  #take(asked: Series[], answer: SubscribeAck): void {
    if (!answer.ok) {
      for (const series of asked) this.#fail(series, answer.error);
      return;
    }
    const states = new Map(answer.series.map((state) => [`${state.ticker} ${state.resolution}`, state]));
    for (const series of asked) {
      const state = states.get(`${series.ticker} ${series.resolution}`);
      if (state === undefined) this.#fail(series, { code: 'unavailable', message: 'the ack left this series out' });
      else if ('error' in state) this.#fail(series, state.error);
      else series.takeAck(answer.epoch, state);
    }
  }

  #fail(series: Series, error: WireError): void {
    if (series.phase !== 'asking') return;
    if (series.takeError(error, PASSING.has(error.code) ? 'fail' : 'refuse') !== 'waiting') return;
    const attempt = series.attempt;
    this.#after(backoffMs(series.failures, this.#options.random), () => {
      if (series.attempt === attempt && series.phase === 'waiting') series.signal('retry');
      this.plan();
    });
  }

  #after(delayMs: number, task: () => void): () => void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      task();
    });
    this.#cancels.add(cancel);
    return () => {
      cancel();
      this.#cancels.delete(cancel);
    };
  }
}
