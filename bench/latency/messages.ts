/** What the processes of the latency benchmark tell each other. Times are `process.hrtime`, which they share. */
export type Kind = 'hub' | 'ws';

export interface ServerReady {
  port: number;
}

export type LoadRequest =
  | { do: 'connect'; kind: Kind; port: number; clients: number }
  /** Commit times by sequence number; the answer comes when every client has had every update, or after a while. */
  | { do: 'report'; commits: [sequence: number, ns: string][] };

export interface LoadReport {
  p50Ms: number;
  p99Ms: number;
  deliveries: number;
  missing: number;
}

export const TICKER = 'MSFT';
export const BAR_TIME = 1_764_000_000;
