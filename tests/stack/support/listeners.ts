/** Clients that listen through the edge, and the rows that they have to end with. */
import { createClient, type Client } from '@tapecast/client/client';
import type { LiveBar } from '@tapecast/contracts/bar';
import type { Resolution } from '@tapecast/contracts/resolution';
import type { WireError } from '@tapecast/contracts/socket';
import type { FreshnessState } from '@tapecast/contracts/ticker';
import { afterAll, beforeAll } from 'vitest';
import { stackDatabase, type Query } from './database.ts';
import { type Docker, until } from './docker.ts';
import { origin, world } from './outside.ts';

const RESOLUTIONS: Resolution[] = ['1m', '1h', '1d'];
const LIMIT = 100;

export interface Listener {
  readonly client: Client;
  /** Bars by their time, of each series. */
  readonly held: ReadonlyMap<string, ReadonlyMap<number, LiveBar>>;
  /** Times that the connection was lost. */
  readonly losses: () => number;
  /** What each ticker was last said to be (`live`, `stale` …), or why that could not be said (`unavailable` …). */
  readonly states: ReadonlyMap<string, FreshnessState | WireError['code']>;
}

/** Holds nothing but what it is told. */
export function listen(transports: ('websocket' | 'polling')[] = ['websocket']): Listener {
  const client = createClient({ origin, transports });
  const held = new Map<string, Map<number, LiveBar>>();
  const states = new Map<string, FreshnessState | WireError['code']>();
  let losses = 0;
  client.onConnection(({ state }) => {
    if (state === 'reconnecting') losses += 1;
  });
  for (const ticker of world.tickers) {
    for (const resolution of RESOLUTIONS) {
      const bars = new Map<number, LiveBar>();
      held.set(`${ticker} ${resolution}`, bars);
      client.subscribe(
        { ticker, resolution, limit: LIMIT },
        {
          status: ({ state }) => states.set(ticker, state),
          error: ({ code }) => states.set(ticker, code),
          snapshot: (state) => {
            bars.clear();
            for (const bar of state.bars) bars.set(bar[0], bar);
          },
          change: (changes) => {
            for (const bar of changes) {
              if (bar[4] === null) bars.delete(bar[0]);
              else bars.set(bar[0], bar);
            }
          },
        },
      );
    }
  }
  return { client, held, states, losses: () => losses };
}

export function listenMany(count: number): Listener[] {
  return Array.from({ length: count }, () => listen());
}

/** So many, from before the first to after the last test of the block in which it is called. */
export function keepListening(count: number): Listener[] {
  const listeners: Listener[] = [];
  beforeAll(async () => {
    listeners.push(...listenMany(count));
    await untilConnected(listeners);
  });
  afterAll(() => {
    for (const { client } of listeners) client.close();
  });
  return listeners;
}

export async function untilConnected(listeners: readonly Listener[]): Promise<void> {
  await until(`all ${listeners.length} clients are connected and hold bars`, async () => {
    const waiting = listeners.filter(
      ({ client, held }) =>
        client.connection.state !== 'connected' || [...held.values()].some((bars) => bars.size === 0),
    );
    return waiting.length === 0 || `${waiting.length} are not`;
  });
}

/** Stops news, waits for the last frames, and compares all bars of all clients with the rows. */
export async function expectRows(
  docker: Docker,
  listeners: readonly Listener[],
  query: Query = stackDatabase(docker),
): Promise<void> {
  await withoutNews(() =>
    until(`all ${listeners.length} clients hold exactly the rows`, async () => {
      for (const [name, rows] of await rowsByName(query)) {
        const known = new Map(rows.map((row) => [row[0], JSON.stringify(row)]));
        for (const { held } of listeners) {
          const bars = [...(held.get(name)?.values() ?? [])];
          if (bars.length < Math.min(rows.length, LIMIT))
            return `${name}: a client holds ${bars.length} bars of ${rows.length}`;
          const wrong = bars.find((bar) => known.get(bar[0]) !== JSON.stringify(bar));
          if (wrong !== undefined)
            return `${name}: ${JSON.stringify(wrong)} instead of ${known.get(wrong[0]) ?? 'no row'}`;
          const newest = rows.at(-1);
          if (newest !== undefined && !bars.some((bar) => bar[0] === newest[0]))
            return `${name}: a client lacks the newest bar`;
        }
      }
      return true;
    }),
  );
}

/** The vendor says the same again and again: nothing is written. */
export async function withoutNews<T>(work: () => Promise<T>): Promise<T> {
  await setFault('frozen-time');
  try {
    return await work();
  } finally {
    await setFault('none');
  }
}

export async function setFault(mode: string): Promise<void> {
  await fetch(`${world.vendor}/__fault?mode=${mode}`, { method: 'POST' });
}

/** Prices that the vendor gave of a ticker, in Unix seconds. */
export async function servedTimes(ticker: string): Promise<number[]> {
  const reply = await fetch(`${world.vendor}/__served?symbol=${ticker}`);
  const { served } = (await reply.json()) as { served: { time: number }[] };
  return served.map(({ time }) => time);
}

async function rowsByName(query: Query): Promise<Map<string, LiveBar[]>> {
  const parts = RESOLUTIONS.map(
    (resolution) =>
      `SELECT json_build_array(ticker || ' ${resolution}', extract(epoch FROM time)::bigint, open, high, low, close, volume)
       FROM stock_prices_${resolution} WHERE close IS NOT NULL`,
  );
  const text = await query(`SELECT line FROM (${parts.join(' UNION ALL ')}) AS lines(line);`);
  const byName = new Map<string, LiveBar[]>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [name, ...bar] = JSON.parse(line) as [string, ...LiveBar];
    const bars = byName.get(name) ?? [];
    bars.push(bar);
    byName.set(name, bars);
  }
  for (const bars of byName.values()) bars.sort((a, b) => a[0] - b[0]);
  return byName;
}
