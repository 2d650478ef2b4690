/** Answers `subscribe`: registers first, reads then, so that no change falls between state and stream. */
import type { Bar } from '@tapecast/contracts/bar';
import { Resolution } from '@tapecast/contracts/resolution';
import {
  DEFAULT_SNAPSHOT_BARS,
  MAX_SERIES_PER_SUBSCRIBE,
  SubscribeRequest,
  type ErrorCode,
  type Refusal,
  type SeriesRefusal,
  type SeriesRequest,
  type SeriesState,
} from '@tapecast/contracts/socket';
import { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch } from '@tapecast/contracts/units';
import type { SeriesPage } from '@tapecast/db/bars';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { z } from 'zod';
import { Encoded } from './encoded.ts';
import { MOST_PUSHED_BARS, type Hub } from './hub.ts';
import type { JsonMemo } from './json-memo.ts';
import type { HubMetrics } from './metrics.ts';
import type { Session, Subscription } from './session.ts';

export interface SubscribeOptions {
  hub: Hub;
  /** What goes to many is stringified once. */
  memo: JsonMemo;
  metrics: HubMetrics;
  maxSeriesPerSocket: number;
}

/** A state that is older than the stream it would join is read again, so often at most. */
const MOST_READS = 5;

const NOTHING: Bar[] = [];

interface Asked {
  request: SeriesRequest;
  ticker: Ticker;
  resolution: Resolution;
  subscription: Subscription;
}
type Loaded = SeriesPage & { mode: 'snapshot' | 'resume' };

/** @param send emits the ack; changes may follow as soon as it returns */
export async function answerSubscribe(
  options: SubscribeOptions,
  session: Session,
  payload: unknown,
  send: (ack: Refusal | Encoded) => void,
): Promise<void> {
  const parsed = SubscribeRequest.safeParse(payload);
  if (!parsed.success) return send(refuseRequest(payload, parsed.error));
  const { hub } = options;
  // A hub that has just started has not looked yet: that takes a moment, and clients would take longer to ask again.
  if (hub.epoch === null) await hub.sweep();
  if (hub.epoch === null) return send(unavailable());
  const asked: Asked[] = [];
  const answers: (SeriesState | SeriesRefusal)[] = [];
  for (const request of parsed.data.series) {
    const answer = register(options, session, request, hub.epoch);
    if ('error' in answer) answers.push(answer);
    else asked.push(answer);
  }
  try {
    const states = await loadAll(options, asked);
    const epoch = hub.epoch;
    for (const [each, state] of states) {
      if (state === null) {
        if (session.holds(each.subscription)) session.unsubscribe(each.ticker, each.resolution);
        answers.push(
          refuseSeries(each.request, 'unknown_ticker', `nothing is known of ${each.ticker}; see GET /api/v1/tickers`),
        );
      } else answers.push(state);
    }
    for (const answer of answers) count(options.metrics, answer);
    send(new Encoded(ackJson(options.memo, epoch, answers)));
    for (const [each, state] of states) {
      if (state !== null && session.holds(each.subscription)) session.start(each.subscription, state.revision);
    }
  } catch (error) {
    for (const { subscription, ticker, resolution } of asked) {
      if (session.holds(subscription)) session.unsubscribe(ticker, resolution);
    }
    send(unavailable());
    if (!(error instanceof DatabaseUnavailableError)) throw error;
  }
}

function register(
  { hub, maxSeriesPerSocket }: SubscribeOptions,
  session: Session,
  request: SeriesRequest,
  epoch: Epoch,
): Asked | SeriesRefusal {
  const resolution = Resolution.safeParse(request.resolution);
  if (!resolution.success) {
    return refuseSeries(request, 'unknown_resolution', `use one of ${Resolution.options.join(', ')}`);
  }
  const ticker = Ticker.safeParse(request.ticker);
  if (!ticker.success) return refuseSeries(request, 'unknown_ticker', z.prettifyError(ticker.error));
  if (session.size >= maxSeriesPerSocket && !session.has(ticker.data, resolution.data)) {
    return refuseSeries(
      request,
      'too_many_series',
      `one connection takes ${maxSeriesPerSocket} series; unsubscribe some`,
    );
  }
  const subscription = session.subscribe(hub.feed(ticker.data, resolution.data, epoch));
  return { request, ticker: ticker.data, resolution: resolution.data, subscription };
}

/** All states of one epoch, which is the hub's when this returns. */
async function loadAll(options: SubscribeOptions, asked: Asked[]): Promise<[Asked, SeriesState | null][]> {
  for (let attempt = 0; attempt < MOST_READS; attempt += 1) {
    const loaded = await Promise.all(
      asked.map(async (each) => {
        const page = await load(options, each);
        const forecast = page === null ? null : await options.hub.forecasts.newest(each.ticker, each.resolution);
        return { each, page, forecast };
      }),
    );
    const { epoch } = options.hub;
    if (loaded.some(({ page }) => page !== null && page.epoch !== epoch)) {
      await options.hub.sweep();
      continue;
    }
    return loaded.map(({ each, page, forecast }) => {
      if (page === null) return [each, null];
      const { ticker, resolution } = each;
      const { revision, mode, bars } = page;
      return [each, { ticker, resolution, revision, mode, bars, forecast, status: options.hub.statusOf(ticker) }];
    });
  }
  throw new DatabaseUnavailableError(new Error('the epoch kept changing while states were read'));
}

async function load(options: SubscribeOptions, asked: Asked): Promise<Loaded | null> {
  for (let attempt = 0; attempt < MOST_READS; attempt += 1) {
    const page = (await resume(options, asked)) ?? (await snapshot(options, asked));
    // Shared with someone who began earlier, or read from a replica that lags: changes between would be missing.
    const outdated =
      page !== null && page.epoch === options.hub.epoch && page.revision < asked.subscription.registeredAt;
    if (!outdated) return page;
  }
  throw new DatabaseUnavailableError(new Error('the database answers with states older than its notifications'));
}

/** Null when a snapshot is needed: nothing held, another epoch, a revision not reached yet, or too much changed. */
async function resume({ hub }: SubscribeOptions, { request, ticker, resolution }: Asked): Promise<Loaded | null> {
  if (request.revision === undefined || request.epoch === undefined || request.epoch !== hub.epoch) return null;
  // Most of those who come back have missed nothing: they need no query.
  if (hub.isHead(ticker, resolution, request.revision)) {
    return { epoch: request.epoch, revision: request.revision, bars: NOTHING, mode: 'resume' };
  }
  const limit = Math.max(request.limit ?? DEFAULT_SNAPSHOT_BARS, MOST_PUSHED_BARS);
  const page = await hub.pages.changes(ticker, resolution, request.revision, limit);
  if (page === null || !page.complete || page.epoch !== request.epoch || page.revision < request.revision) return null;
  return { ...page, mode: 'resume' };
}

async function snapshot(options: SubscribeOptions, { request, ticker, resolution }: Asked): Promise<Loaded | null> {
  const limit = request.limit ?? DEFAULT_SNAPSHOT_BARS;
  const page = await options.hub.pages.snapshot(ticker, resolution, limit);
  return page === null ? null : { ...page, mode: 'snapshot' };
}

/** A SubscribeAck, put together from parts that other clients get as well. */
function ackJson(memo: JsonMemo, epoch: Epoch | null, answers: (SeriesState | SeriesRefusal)[]): string {
  const series = answers.map((answer) => {
    if ('error' in answer) return JSON.stringify(answer);
    const { bars, forecast, status, ...head } = answer;
    const start = JSON.stringify(head).slice(0, -1);
    return `${start},"bars":${memo.of(bars)},"forecast":${memo.of(forecast)},"status":${memo.of(status)}}`;
  });
  return `{"ok":true,"epoch":${JSON.stringify(epoch)},"series":[${series.join()}]}`;
}

function refuseRequest(payload: unknown, error: z.ZodError): Refusal {
  const series = typeof payload === 'object' && payload !== null && 'series' in payload ? payload.series : null;
  if (Array.isArray(series) && series.length > MAX_SERIES_PER_SUBSCRIBE) {
    return refuse('too_many_series', `one subscribe takes ${MAX_SERIES_PER_SUBSCRIBE} series; send several`);
  }
  return refuse('bad_request', z.prettifyError(error).slice(0, 1_000));
}

export function refuse(code: ErrorCode, message: string): Refusal {
  return { ok: false, error: { code, message } };
}

function unavailable(): Refusal {
  return refuse('unavailable', 'the database does not answer; ask again in a few seconds');
}

function refuseSeries({ ticker, resolution }: SeriesRequest, code: ErrorCode, message: string): SeriesRefusal {
  return { ticker, resolution, error: { code, message } };
}

function count(metrics: HubMetrics, answer: SeriesState | SeriesRefusal): void {
  if ('error' in answer) metrics.refusals.inc({ code: answer.error.code });
  else metrics.answers.inc({ mode: answer.mode });
}
