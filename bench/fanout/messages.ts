/** What the processes of the fan-out benchmark tell each other. */
export type Kind = 'hub' | 'hub-compressed' | 'rooms' | 'ws' | 'ws-at-once';

/** Servers that know no subscriptions: everyone gets everything. */
export function isBare(kind: Kind): boolean {
  return kind === 'ws' || kind === 'ws-at-once';
}

/** `heap`: what is left on the heap after a garbage collection, bytes. */
export type ServerRequest = 'usage' | 'heap';

export interface ServerReady {
  port: number;
}

export interface Usage {
  /** Of this process since its start, user and system. */
  cpuMicros: number;
  /** The kernel's part of it: on loopback also the work of the receiving side's TCP. */
  kernelMicros: number;
  rssBytes: number;
  /** Handed over to sockets and not sent yet. */
  bufferedBytes: number;
  /** How late the event loop came to its timers since the last question: what a client would have to wait. */
  loopP99Ms: number;
  /** Frames of bars that were sent. */
  frames: number;
}

export type LoadRequest =
  /** Client n watches the 1m series of `tickers[n % tickers.length]`. */
  | { do: 'connect'; kind: Kind; port: number; clients: number; tickers: string[][] }
  /** Forgets latencies; what is delivered counts from here on. */
  | { do: 'begin' }
  /** Answered when every client holds these revisions, or after a while. */
  | { do: 'report'; rows: [ticker: string, revision: number, close: number][] }
  /** The TCP of every client breaks; they come back by themselves. */
  | { do: 'cut' };

export interface LoadReport {
  /** Updates that are reflected in the clients' states since `begin`, and how many there should be. */
  delivered: number;
  expected: number;
  frames: number;
  /** On the wire, from the first to the last byte of the connections that are open. */
  bytes: number;
  p50Ms: number;
  p99Ms: number;
  /** Series in clients whose state differs from the rows, and changes that did not continue what was held. */
  wrong: number;
  gaps: number;
  /** Of clients that were cut off since `begin`; snapshots: series that could not be resumed. */
  recoveries: { outageMs: number; resumeMs: number }[];
  snapshots: number;
}

export type IdleRequest =
  | { do: 'connect'; port: number; clients: number; ticker: string }
  /** Answered when every client's bar has this close. */
  | { do: 'await'; close: number }
  /** Answered with the times that resumes took since the last question, rising, ms. */
  | { do: 'recoveries' };

/** The bar that is updated; its close numbers the updates, its volume is the time before COMMIT in ms (process.hrtime). */
export const BAR_TIME = 1_764_000_000;

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
