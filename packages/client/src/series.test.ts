/** Any mix of writes, losses, doubles, reordering, reconnects and pages ends with the server's rows. */
import { isWithdrawn, type Bar } from '@tapecast/contracts/bar';
import type { BarsChange, SeriesState, Status } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type Epoch, type Revision } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Series, type OlderPage } from './series.ts';

const ticker = 'MSFT' as Ticker;
const resolution = '1h';

/** A server with one series and one client, kept as simple as the protocol's prose. */
class ModelServer {
  epoch = 'e0' as Epoch;
  revision = 0;
  rows = new Map<number, { bar: Bar; revision: number }>();
  cursor: number | null = null;

  write(time: number, close: number | null): BarsChange | null {
    const at = unixSeconds(time);
    const bar: Bar = close === null ? [at, null, null, null, null, null] : [at, close, close, close, close, null];
    this.revision += 1;
    this.rows.set(time, { bar, revision: this.revision });
    if (this.cursor === null) return null;
    const prev = this.cursor as Revision;
    this.cursor = this.revision;
    return { epoch: this.epoch, ticker, resolution, prev, revision: this.revision as Revision, bars: [bar] };
  }

  restore(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}` as Epoch;
    this.revision = Math.floor(this.revision / 2);
    for (const [time, row] of this.rows) if (row.revision > this.revision) this.rows.delete(time);
  }

  /** Rising, withdrawn ones left out. */
  bars(from = Number.NEGATIVE_INFINITY): Bar[] {
    const bars = [...this.rows.values()].map(({ bar }) => bar).filter((bar) => !isWithdrawn(bar) && bar[0] >= from);
    return bars.sort((left, right) => left[0] - right[0]);
  }

  answer(request: ReturnType<Series['request']>): { epoch: Epoch; state: SeriesState } {
    this.cursor = this.revision;
    const resumes = request.epoch === this.epoch && (request.revision ?? Infinity) <= this.revision;
    const changed = [...this.rows.values()].filter((row) => row.revision > (request.revision ?? 0));
    const bars = resumes ? changed.map(({ bar }) => bar) : this.bars().slice(-(request.limit ?? 1_000));
    const mode = resumes ? 'resume' : 'snapshot';
    const revision = this.revision as Revision;
    const state: SeriesState = { ticker, resolution, revision, mode, bars, forecast: null, status: this.status() };
    return { epoch: this.epoch, state };
  }

  status(): Status {
    const heads = { '1h': this.revision as Revision };
    return { ticker, epoch: this.epoch, heads, state: 'live', asOf: null, delaySeconds: 0 };
  }
}

const operation = fc.oneof(
  fc.record({ do: fc.constant('write'), time: fc.nat(12), close: fc.option(fc.nat(5)) }),
  fc.record({ do: fc.constantFrom('deliver', 'lose', 'double'), index: fc.nat(8) }),
  fc.record({ do: fc.constantFrom('ask', 'ask', 'reconnect', 'timeout', 'restore', 'page', 'status') }),
) as fc.Arbitrary<{ do: string; time?: number; close?: number | null; index?: number }>;

function run(operations: (typeof operation extends fc.Arbitrary<infer T> ? T : never)[], limit: number) {
  const server = new ModelServer();
  const series = new Series(ticker, resolution, limit, (error) => {
    throw error;
  });
  let shown: Bar[] = [];
  const observer = {
    snapshot: ({ bars }: { bars: readonly Bar[] }) => (shown = [...bars]),
    change: (bars: Bar[]) => {
      const byTime = new Map(shown.map((bar) => [bar[0], bar]));
      for (const bar of bars) byTime.set(bar[0], bar);
      shown = [...byTime.values()].filter((bar) => !isWithdrawn(bar)).sort((left, right) => left[0] - right[0]);
    },
  };
  series.watchers.add({ observer });
  let wire: (() => void)[] = [];
  const ask = () => {
    if (series.phase !== 'due') return;
    const attempt = (series.attempt += 1);
    const { epoch, state } = server.answer(series.request());
    series.signal('sent');
    wire.push(() => {
      if (series.attempt === attempt) series.takeAck(epoch, state);
    });
  };
  const page = () => {
    const before = unixSeconds(Math.max(0, series.store.coveredFrom));
    const bars = server
      .bars()
      .filter((bar) => bar[0] < before)
      .slice(-2);
    const read: OlderPage = { bars, revision: server.revision as Revision, epoch: server.epoch, before };
    wire.push(() => series.mergePage(read));
  };
  const heed = (status = server.status()) => {
    series.takeStatus(status);
    if (series.isBehind(status)) series.signal('gap');
  };
  series.signal('connect');
  for (const each of operations) {
    const index = (each.index ?? 0) % Math.max(1, wire.length);
    if (each.do === 'write') {
      const change = server.write(each.time ?? 0, each.close ?? null);
      if (change !== null) wire.push(() => series.takeChange(change));
    } else if (each.do === 'deliver') wire.splice(index, 1)[0]?.();
    else if (each.do === 'lose') wire.splice(index, 1);
    else if (each.do === 'double') wire[index]?.();
    else if (each.do === 'ask') ask();
    else if (each.do === 'timeout' && series.phase === 'asking') {
      series.signal('fail');
      series.signal('retry');
    } else if (each.do === 'reconnect') {
      wire = [];
      server.cursor = null;
      series.signal('disconnect');
      series.signal('connect');
    } else if (each.do === 'restore') server.restore();
    else if (each.do === 'page') page();
    else if (each.do === 'status') heed();
  }
  // The network calms down: what is under way arrives, and a question that was lost times out.
  for (let round = 0; round < 4; round += 1) {
    for (const message of wire.splice(0)) message();
    if (series.phase === 'asking') series.signal('fail');
    series.signal('retry');
    heed();
    ask();
  }
  for (const message of wire.splice(0)) message();
  return { series, server, shown };
}

it.each([1_000, 3])('ends with the rows of the server, holding snapshots of %i bars', (limit) => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const { series, server, shown } = run(operations, limit);
      expect(series.phase).toBe('live');
      expect(series.held).toEqual({ epoch: server.epoch, revision: server.revision });
      expect(series.store.bars).toEqual(server.bars(series.store.coveredFrom));
      expect(shown).toEqual(series.store.bars);
    }),
    { numRuns: 500 },
  );
});

it('goes on telling the others when one observer throws', () => {
  const thrown: unknown[] = [];
  const series = new Series(ticker, resolution, 10, (error) => thrown.push(error));
  let told = 0;
  const snapshot = () => {
    throw new Error('broken chart');
  };
  series.watchers.add({ observer: { snapshot, change: snapshot } });
  series.watchers.add({ observer: { snapshot: () => (told += 1), change: () => undefined } });
  series.signal('connect');
  series.signal('sent');
  const { epoch, state } = new ModelServer().answer(series.request());
  series.takeAck(epoch, state);
  expect(told).toBe(1);
  expect(thrown).toEqual([new Error('broken chart')]);
});
