/**
 * The Socket.IO protocol (path `/socket.io/`, namespace `/`). docs/protocol.md tells it in prose.
 * A change here that an old client would misread needs a new PROTOCOL_VERSION; protocol-version.test.ts watches.
 */
import { z } from 'zod';
import { Bar } from './bar.ts';
import { Forecast } from './forecast.ts';
import { LabProgress, MOST_WATCHED_LAB_RUNS } from './lab.ts';
import { Resolution } from './resolution.ts';
import { Freshness, Ticker } from './ticker.ts';
import { Epoch, Revision } from './units.ts';

export const PROTOCOL_VERSION = 1;

export const MAX_SERIES_PER_SUBSCRIBE = 500;
export const MAX_SNAPSHOT_BARS = 10_000;
export const DEFAULT_SNAPSHOT_BARS = 1_000;

export const Handshake = z.object({ protocol: z.literal(PROTOCOL_VERSION), token: z.string().max(4_096).optional() });
export type Handshake = z.infer<typeof Handshake>;

export const ErrorCode = z.enum([
  'bad_request',
  'unknown_ticker',
  'unknown_resolution',
  'too_many_series',
  'rate_limited',
  'unavailable',
  'unsupported_protocol',
  'too_many_connections',
  'forbidden_origin',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** `message` says what to do about it. */
export const WireError = z.object({ code: ErrorCode, message: z.string() });
export type WireError = z.infer<typeof WireError>;

/** `epoch` and `revision` are what the client holds; without both it gets a snapshot. `limit` bounds the snapshot. */
export const SeriesRequest = z.object({
  ticker: z.string().max(64),
  resolution: z.string().max(8),
  epoch: Epoch.optional(),
  revision: Revision.optional(),
  limit: z.int().min(1).max(MAX_SNAPSHOT_BARS).optional(),
});
export type SeriesRequest = z.infer<typeof SeriesRequest>;

export const SubscribeRequest = z.object({ series: z.array(SeriesRequest).min(1).max(MAX_SERIES_PER_SUBSCRIBE) });
export type SubscribeRequest = z.infer<typeof SubscribeRequest>;

export const UnsubscribeRequest = z.object({
  series: z
    .array(z.object({ ticker: z.string().max(64), resolution: z.string().max(8) }))
    .min(1)
    .max(MAX_SERIES_PER_SUBSCRIBE),
});
export type UnsubscribeRequest = z.infer<typeof UnsubscribeRequest>;

/** Newest revision of each native resolution of a ticker. */
export const Heads = z.partialRecord(Resolution, Revision);
export type Heads = z.infer<typeof Heads>;

/** Sent on change and every few seconds: a client that missed the last frame before a silence sees it in `heads`. */
export const Status = Freshness.extend({
  ticker: Ticker,
  epoch: Epoch,
  heads: Heads,
  /** When the poll that brought the newest price was answered. Unix milliseconds. */
  polledAt: z.number().nullable().optional(),
});
export type Status = z.infer<typeof Status>;

export const SeriesState = z.object({
  ticker: Ticker,
  resolution: Resolution,
  revision: Revision,
  /** `snapshot` replaces what the client holds, `resume` is merged into it. */
  mode: z.enum(['snapshot', 'resume']),
  bars: z.array(Bar),
  forecast: Forecast.nullable(),
  status: Status,
});
export type SeriesState = z.infer<typeof SeriesState>;

export const SeriesRefusal = z.object({ ticker: z.string(), resolution: z.string(), error: WireError });
export type SeriesRefusal = z.infer<typeof SeriesRefusal>;

export const Refusal = z.object({ ok: z.literal(false), error: WireError });
export type Refusal = z.infer<typeof Refusal>;

export const SubscribeAck = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), epoch: Epoch, series: z.array(z.union([SeriesState, SeriesRefusal])) }),
  Refusal,
]);
export type SubscribeAck = z.infer<typeof SubscribeAck>;

export const UnsubscribeAck = z.discriminatedUnion('ok', [z.object({ ok: z.literal(true) }), Refusal]);
export type UnsubscribeAck = z.infer<typeof UnsubscribeAck>;

/**
 * One change of one series. A client that holds `held` ignores it when `revision ≤ held`, applies it when
 * `prev ≤ held < revision`, and subscribes again with what it holds when `prev > held` or the epoch differs.
 */
export const BarsChange = z.object({
  epoch: Epoch,
  ticker: Ticker,
  resolution: Resolution,
  prev: Revision,
  revision: Revision,
  bars: z.array(Bar),
  /** When the newest of this was committed, by the database's clock; left out where it was found by reading. Unix milliseconds. */
  committedAt: z.number().optional(),
  /** When the hub handed it on, by its own clock. Unix milliseconds. */
  pushedAt: z.number().optional(),
});
export type BarsChange = z.infer<typeof BarsChange>;

/** Runs of the lab whose progress this connection wants from now on, instead of those that it asked for before. */
export const WatchLabRequest = z.object({ runs: z.array(z.int().positive()).max(MOST_WATCHED_LAB_RUNS) });
export type WatchLabRequest = z.infer<typeof WatchLabRequest>;

/** Where the runs stand now; unknown ones are left out. */
export const WatchLabAck = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), runs: z.array(LabProgress) }),
  Refusal,
]);
export type WatchLabAck = z.infer<typeof WatchLabAck>;

export interface ServerToClientEvents {
  bars: (changes: BarsChange[]) => void;
  forecasts: (forecasts: Forecast[]) => void;
  status: (statuses: Status[]) => void;
  lab: (runs: LabProgress[]) => void;
}

/** Requests reach the server unparsed: it validates them with the schemas above. */
export interface ClientToServerEvents {
  subscribe: (request: SubscribeRequest, ack: (answer: SubscribeAck) => void) => void;
  unsubscribe: (request: UnsubscribeRequest, ack: (answer: UnsubscribeAck) => void) => void;
  watchLab: (request: WatchLabRequest, ack: (answer: WatchLabAck) => void) => void;
}
