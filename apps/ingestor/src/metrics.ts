/** What the ingestor counts. */
import { type Rejection } from '@tapecast/ingest/sources/source';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface Metrics {
  polls: Counter<'outcome'>;
  rejected(rejections: readonly Rejection[]): void;
  bars: Counter<'resolution'>;
  doubtful: Counter<'resolution'>;
}

export function createMetrics(registry: Registry, buffer: { readonly size: number; readonly lost: number }): Metrics {
  const registers = [registry];
  const rejections = new Counter({
    name: 'tapecast_rejected_rows_total',
    help: 'Rows of the vendor that were refused, by reason',
    labelNames: ['reason'],
    registers,
  });
  new Gauge({
    name: 'tapecast_polls_buffered',
    help: 'Polls that wait for the database',
    registers,
    collect() {
      this.set(buffer.size);
    },
  });
  new Gauge({
    name: 'tapecast_polls_lost',
    help: 'Polls given up because the database stayed away for too long',
    registers,
    collect() {
      this.set(buffer.lost);
    },
  });
  return {
    polls: new Counter({
      name: 'tapecast_polls_total',
      help: 'Polls of the price source, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    bars: new Counter({
      name: 'tapecast_vendor_bars_total',
      help: 'Vendor bars written by backfill and repair that were news',
      labelNames: ['resolution'],
      registers,
    }),
    doubtful: new Counter({
      name: 'tapecast_doubtful_bars_total',
      help: 'Vendor bars that cannot be right or are doubtful, found by the rules of docs/repair.md',
      labelNames: ['resolution'],
      registers,
    }),
    rejected: (found) => {
      for (const { reason } of found) rejections.inc({ reason });
    },
  };
}
