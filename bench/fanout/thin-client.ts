/**
 * A client as thin as a client can be: a socket, the protocol by hand, and the state that it leads to. It follows the rules of the
 * protocol (prev, revision), so what is counted as delivered is what it holds; when it is cut off, it comes back as our library does.
 */
import type { BarsChange, SeriesState, SubscribeAck } from '@tapecast/contracts/socket';
import type { Epoch } from '@tapecast/contracts/units';
import { openFrames, type Frames } from './frames.ts';
import { monotonicMs } from './messages.ts';

const PATH = '/socket.io/?EIO=4&transport=websocket';
/** As packages/client tells socket.io-client: so long at first, doubled up to the most, each spread by half of itself. */
const PAUSE_MS = 100;
const MOST_PAUSE_MS = 2_500;

export interface Held {
  revision: number;
  /** Revision at `begin`. */
  begun: number;
  close: number | null;
}

export interface Recovery {
  /** From the loss of the connection to the ack that made the state whole, pauses included. */
  outageMs: number;
  /** The same from the first attempt to connect again. */
  resumeMs: number;
}

export interface ThinClientOptions {
  port: number;
  tickers: readonly string[];
  /** A bare `ws` server has no states to begin with: its first frame tells. */
  bare: boolean;
  compressed: boolean;
  hear(client: ThinClient, changes: BarsChange[]): void;
  onRecovery(recovery: Recovery): void;
  /** It had to begin anew, although it held something. */
  onSnapshot(): void;
}

/** Clients with the same dues get the same text: it is parsed once, or the load generator would be what is measured. */
let known = { text: '', changes: [] as BarsChange[] };

function changesOf(text: string): BarsChange[] {
  if (text !== known.text) known = { text, changes: (JSON.parse(text.slice(2)) as [string, BarsChange[]])[1] };
  return known.changes;
}

export class ThinClient {
  readonly held = new Map<string, Held>();
  readonly #options: ThinClientOptions;
  readonly #ready = Promise.withResolvers<true>();
  #socket: Frames | null = null;
  #epoch: Epoch | null = null;
  #attempts = 0;
  #lostAt: number | null = null;
  #triedAt: number | null = null;
  #pause: NodeJS.Timeout | undefined;

  constructor(options: ThinClientOptions) {
    this.#options = options;
    this.#open();
  }

  /** Settles once the first states are held. */
  get ready(): Promise<true> {
    return this.#ready.promise;
  }

  /** Bytes that came by the connection that is open now. */
  get bytes(): number {
    return this.#socket?.bytes ?? 0;
  }

  cut(): void {
    this.#socket?.cut();
    this.#lost();
  }

  close(): void {
    clearTimeout(this.#pause);
    this.#socket?.close();
  }

  #open(): void {
    const { port, bare, compressed, tickers } = this.#options;
    this.#socket = openFrames({
      port,
      path: bare ? '/' : PATH,
      compressed,
      hear: (text) => this.#hear(text),
      onOpen: () => {
        if (!bare) return;
        for (const ticker of tickers) this.held.set(ticker, { revision: -1, begun: -1, close: null });
        this.#ready.resolve(true);
      },
      onLost: () => this.#lost(),
    });
  }

  #lost(): void {
    clearTimeout(this.#pause);
    this.#lostAt ??= monotonicMs();
    const pause = Math.min(MOST_PAUSE_MS, PAUSE_MS * 2 ** this.#attempts) * (0.5 + Math.random());
    this.#attempts += 1;
    this.#pause = setTimeout(() => {
      this.#triedAt ??= monotonicMs();
      this.#open();
    }, pause);
  }

  #hear(text: string): void {
    if (text.startsWith('42["bars"')) this.#options.hear(this, changesOf(text));
    else if (text === '2') this.#socket?.send('3');
    else if (text.startsWith('0')) this.#socket?.send('40{"protocol":1}');
    else if (text.startsWith('40')) this.#subscribe();
    else if (text.startsWith('430')) this.#take((JSON.parse(text.slice(3)) as [SubscribeAck])[0]);
  }

  #subscribe(): void {
    const epoch = this.#epoch;
    const series = this.#options.tickers.map((ticker) => {
      const held = this.held.get(ticker);
      const resume = held === undefined || epoch === null ? {} : { epoch, revision: held.revision };
      return { ticker, resolution: '1m', ...resume };
    });
    this.#socket?.send(`420${JSON.stringify(['subscribe', { series }])}`);
  }

  #take(ack: SubscribeAck): void {
    if (!ack.ok) return this.#ready.reject(new Error(ack.error.message));
    this.#epoch = ack.epoch;
    for (const state of ack.series) {
      if ('error' in state) return this.#ready.reject(new Error(state.error.message));
      this.#takeState(state);
    }
    this.#attempts = 0;
    const [lostAt, triedAt] = [this.#lostAt, this.#triedAt];
    if (lostAt !== null && triedAt !== null) {
      const now = monotonicMs();
      this.#options.onRecovery({ outageMs: now - lostAt, resumeMs: now - triedAt });
    }
    this.#lostAt = null;
    this.#triedAt = null;
    this.#ready.resolve(true);
  }

  #takeState({ ticker, revision, mode, bars }: SeriesState): void {
    const held = this.held.get(ticker);
    if (held !== undefined && mode === 'snapshot') this.#options.onSnapshot();
    // The resume of one who missed nothing has no bars.
    const close = bars.at(-1)?.[4] ?? (mode === 'resume' ? (held?.close ?? null) : null);
    this.held.set(ticker, { revision, begun: held?.begun ?? revision, close });
  }
}
