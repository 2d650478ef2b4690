/** What the processes of the latency benchmark tell each other. Times are `process.hrtime`, which they share. */
export type Kind = 'hub' | 'ws';

export interface ServerReady {
  port: number;
}

export type LoadRequest =
  | { do: 'connect'; kind: Kind; port: number; clients: number }
  /** Commit times by sequence number; the answer comes when every client has had every update, or after a while. */
  | { do: 'report'; commits: Commit[] };

export interface Commit {
  sequence: number;
  /** Just before COMMIT was sent, and when the database had confirmed it. */
  sentNs: string;
  confirmedNs: string;
}

export interface LoadReport {
  p50Ms: number;
  p99Ms: number;
  /** Of the same deliveries, counted from the database's confirmation: without what its disk took. At least 0. */
  afterCommitP99Ms: number;
  /** The slowest updates: how long the commit took, and from its start to the first and the last client. */
  slowest: { commitMs: number; firstMs: number; lastMs: number }[];
  deliveries: number;
  missing: number;
}

export const TICKER = 'MSFT';
export const BAR_TIME = 1_764_000_000;
