/** What operators and alerts need to know of backups. Times are those of the snapshot, in Unix seconds; 0 until there is one. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface Metrics {
  lastSuccess: Gauge;
  lastAttemptOk: Gauge;
  seconds: Gauge;
  bytes: Gauge;
  rows: Gauge;
  kept: Gauge;
  runs: Counter<'outcome'>;
  lastDrill: Gauge;
  lastDrillOk: Gauge;
  drillSeconds: Gauge;
}

export function createMetrics(registry: Registry): Metrics {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `tapecast_backup_${name}`, help, registers: [registry] });
  return {
    lastSuccess: gauge(
      'last_success_timestamp_seconds',
      'Moment of the newest whole backup; its age is time() minus this',
    ),
    lastAttemptOk: gauge('last_attempt_success', '1 when the last attempt made a backup, 0 when it failed'),
    seconds: gauge('last_duration_seconds', 'How long the last backup took'),
    bytes: gauge('last_size_bytes', 'Size of the newest backup'),
    rows: gauge('last_rows', 'Rows in the newest backup'),
    kept: gauge('archives', 'Backups of this database that are kept'),
    runs: new Counter({
      name: 'tapecast_backup_runs_total',
      help: 'Attempts to make a backup, by outcome',
      labelNames: ['outcome'],
      registers: [registry],
    }),
    lastDrill: gauge('last_drill_timestamp_seconds', 'When a backup was last restored for a drill, and was equal'),
    lastDrillOk: gauge('last_drill_success', '1 when the last drill went well, 0 when it failed'),
    drillSeconds: gauge('last_drill_duration_seconds', 'How long the last good drill took'),
  };
}
