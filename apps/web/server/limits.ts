/** What one client may take. Beyond it there is a typed error; the others do not notice. */
export interface Limits {
  /** Series that one connection may watch. */
  seriesPerSocket: number;
  /** Subscribes and unsubscribes: so many at once, then so many a second. Beyond that, reading from the client pauses. */
  requestBurst: number;
  requestsPerSecond: number;
  /** Larger messages end the connection before they are read; a full subscribe needs a quarter of the default. */
  messageBytes: number;
  /** Open connections of one address. Loopback is not limited: behind a proxy that is not trusted it is everyone. */
  connectionsPerAddress: number;
}

export const DEFAULT_LIMITS: Limits = {
  seriesPerSocket: 2_000,
  requestBurst: 60,
  requestsPerSecond: 20,
  messageBytes: 256 * 1_024,
  connectionsPerAddress: 200,
};
