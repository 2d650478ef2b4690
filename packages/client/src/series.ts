/** One subscribed series: the state machine, the bars it leads to, and who watches them. No sockets, no timers. */
import type { Bar, LiveBar } from '@tapecast/contracts/bar';
import type { Forecast } from '@tapecast/contracts/forecast';
import type { NativeResolution, Resolution } from '@tapecast/contracts/resolution';
import type * as Protocol from '@tapecast/contracts/socket';
import type { BarsChange, SeriesRequest, SeriesState, Status, WireError } from '@tapecast/contracts/socket';
import type { Epoch, Revision, UnixSeconds } from '@tapecast/contracts/units';
import { judgeAck, judgeChange, step, type Effect, type Held, type Phase, type Signal } from './series-state.ts';
import { SeriesStore } from './series-store.ts';

/** When a pushed change was committed and sent, Unix milliseconds of the servers' clocks, as far as that was told. */
export interface Stamps {
  committedAt?: number | undefined;
  pushedAt?: number | undefined;
}

export interface SeriesObserver {
  /** All bars, rising: replace everything that you hold. Also after a page of older bars was merged. */
  snapshot(state: { bars: readonly LiveBar[]; revision: Revision; epoch: Epoch }): void;
  /** Newer states of single bars, rising; a bar of nulls is withdrawn. */
  change(bars: Bar[], stamps: Stamps): void;
  forecast?(forecast: Forecast | null): void;
  status?(status: Status): void;
  /** The server refuses this series, or cannot serve it now (`unavailable`, `rate_limited`: tried again by itself). */
  error?(error: WireError): void;
}

export interface OlderPage {
  bars: readonly Bar[];
  revision: Revision;
  epoch: Epoch;
  /** True when the series has no older bars than these. */
  complete?: boolean;
  /** The page holds all bars before this time, back to its first. Where the held bars begin later by now, it is dropped. */
  before?: UnixSeconds;
}

/** Whose revision a resolution carries (equal to contracts' baseOf; here without its schemas, for the browser's sake). */
export const HEAD_OF: Record<Resolution, NativeResolution> = {
  '1m': '1m',
  '5m': '1m',
  '15m': '1m',
  '1h': '1h',
  '1d': '1d',
  '1w': '1d',
};

const DEPTH_STEP = 1_000;
const MOST_BARS: typeof Protocol.MAX_SNAPSHOT_BARS = 10_000;

export class Series {
  readonly ticker: string;
  readonly resolution: Resolution;
  /** Boxed, so that one observer may watch twice. */
  readonly watchers = new Set<{ readonly observer: SeriesObserver }>();
  readonly store = new SeriesStore();
  limit: number;
  phase: Phase = 'offline';
  held: Held | null = null;
  forecast: Forecast | null = null;
  status: Status | null = null;
  error: WireError | null = null;
  /** Number of the latest question: acks of earlier ones are ignored. */
  attempt = 0;
  failures = 0;
  readonly #onObserverError: (error: unknown) => void;
  #askedLimit = 0;

  constructor(ticker: string, resolution: Resolution, limit: number, onObserverError: (error: unknown) => void) {
    this.ticker = ticker;
    this.resolution = resolution;
    this.limit = limit;
    this.#onObserverError = onObserverError;
  }

  /** Moves by the table and returns what to do with the signal's bars. */
  signal(signal: Signal): Effect {
    const { phase, effect } = step(this.phase, signal);
    this.phase = phase;
    if (effect === 'forget') this.held = null;
    return effect;
  }

  request(): SeriesRequest {
    this.#askedLimit = this.limit;
    const held = this.held === null ? {} : { epoch: this.held.epoch, revision: this.held.revision };
    return { ticker: this.ticker, resolution: this.resolution, limit: this.limit, ...held };
  }

  takeAck(epoch: Epoch, state: SeriesState): void {
    const effect = this.signal(judgeAck(this.held, epoch, state));
    if (this.phase === 'live') {
      this.failures = 0;
      this.error = null;
    }
    if (effect === 'replace') {
      this.held = { epoch, revision: state.revision };
      this.store.replace(state.bars, state.bars.length < this.#askedLimit);
      this.#tellSnapshot();
    } else if (effect === 'merge') {
      this.held = { epoch, revision: state.revision };
      this.#tellChange(this.store.merge(state.bars), {});
    }
    if (this.phase === 'live') {
      this.takeForecast(state.forecast);
      this.takeStatus(state.status);
    }
  }

  takeChange(change: BarsChange): void {
    if (this.signal(judgeChange(this.held, change)) !== 'merge') return;
    this.held = { epoch: change.epoch, revision: change.revision };
    this.#tellChange(this.store.merge(change.bars), change);
  }

  takeError(error: WireError, signal: 'fail' | 'refuse'): Phase {
    this.signal(signal);
    this.error = error;
    if (signal === 'fail') this.failures += 1;
    this.#tell((observer) => observer.error?.(error));
    return this.phase;
  }

  /** The newest by `madeAt` wins; null only when there is none yet. */
  takeForecast(forecast: Forecast | null): void {
    if (forecast === null ? this.forecast !== null : forecast.madeAt < (this.forecast?.madeAt ?? 0)) return;
    this.forecast = forecast;
    this.#tell((observer) => observer.forecast?.(forecast));
  }

  takeStatus(status: Status): void {
    this.status = status;
    this.#tell((observer) => observer.status?.(status));
  }

  /** Whether the newest status speaks of changes that are not held. */
  isBehind(status: Status): boolean {
    if (this.phase !== 'live' || this.held === null) return false;
    if (status.epoch !== this.held.epoch) return true;
    return (status.heads[HEAD_OF[this.resolution]] ?? 0) > this.held.revision;
  }

  /**
   * Older bars from REST. A page read before some of what is held is older for the bars that changed between:
   * the series is set back to the page's revision, and the resume from there mends them.
   */
  mergePage(page: OlderPage): void {
    const held = this.held;
    if (held === null) return;
    if (held.epoch !== page.epoch) {
      this.signal('gap');
      return;
    }
    if (page.before !== undefined && page.before < this.store.coveredFrom) return;
    this.store.prepend(page.bars, page.revision >= held.revision, page.complete ?? false);
    // Should a snapshot be needed later, it reaches back as far. In steps, so that servers can share such reads.
    const depth = Math.ceil(this.store.bars.length / DEPTH_STEP) * DEPTH_STEP;
    this.limit = Math.max(this.limit, Math.min(depth, MOST_BARS));
    if (page.revision < held.revision) {
      this.held = { epoch: held.epoch, revision: page.revision };
      this.signal('rewind');
    }
    this.#tellSnapshot();
  }

  /** Asks for a longer snapshot than the one that is held. */
  widen(limit: number): void {
    if (limit <= this.limit) return;
    this.limit = limit;
    if (this.store.complete || this.store.bars.length >= limit) return;
    this.held = null;
    this.signal('rewind');
  }

  /** Gives a late observer what is held. */
  greet(observer: SeriesObserver): void {
    this.#tellOne(observer, (late) => {
      if (this.held !== null) late.snapshot({ bars: this.store.bars, ...this.held });
      if (this.forecast !== null) late.forecast?.(this.forecast);
      if (this.status !== null) late.status?.(this.status);
      if (this.error !== null) late.error?.(this.error);
    });
  }

  #tellSnapshot(): void {
    const held = this.held;
    if (held !== null) this.#tell((observer) => observer.snapshot({ bars: this.store.bars, ...held }));
  }

  #tellChange(bars: Bar[], { committedAt, pushedAt }: Stamps): void {
    if (bars.length > 0) this.#tell((observer) => observer.change(bars, { committedAt, pushedAt }));
  }

  #tell(message: (observer: SeriesObserver) => void): void {
    for (const { observer } of this.watchers) this.#tellOne(observer, message);
  }

  /** One observer's fault must not cost the others their bars. */
  #tellOne(observer: SeriesObserver, message: (observer: SeriesObserver) => void): void {
    try {
      message(observer);
    } catch (error) {
      this.#onObserverError(error);
    }
  }
}
