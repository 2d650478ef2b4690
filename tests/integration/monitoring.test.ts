/** Alerts and the stack's dashboard ask for metrics that services have. */
import { readFile } from 'node:fs/promises';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createMetrics as createBackupMetrics } from '../../apps/backup/src/metrics.ts';
import { createMetrics as createForecasterMetrics } from '../../apps/forecaster/src/metrics.ts';
import { createMetrics as createIngestorMetrics } from '../../apps/ingestor/src/metrics.ts';
import { createHubMetrics } from '../../apps/web/server/hub/metrics.ts';

const services: Record<string, (registry: Registry) => unknown> = {
  backup: createBackupMetrics,
  forecaster: (registry) => createForecasterMetrics(registry, async () => null),
  hub: createHubMetrics,
  ingestor: (registry) => createIngestorMetrics(registry, { size: 0, lost: 0 }),
};

it.each(['prometheus/alerts.yml', 'grafana/stack.json'])('%s asks for no metric that does not exist', async (file) => {
  const known = new Set<string>();
  for (const create of Object.values(services)) {
    const registry = new Registry();
    create(registry);
    for (const { name } of await registry.getMetricsAsJSON()) known.add(name);
  }
  const text = await readFile(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
  const asked = [...text.matchAll(/tapecast_\w+/g)]
    .filter(({ index }) => !/(logs|ps|scale) $/.test(text.slice(0, index))) // services have such names too
    .map(([name]) => name.replace(/_bucket$/, ''));
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});

it('tells how long the oldest forecast job has waited', async () => {
  const registry = new Registry();
  const waiting: (() => Promise<number | null>)[] = [
    async () => 40_000,
    async () => null,
    () => Promise.reject(new Error('the queue is away')),
  ];
  createForecasterMetrics(
    registry,
    () => waiting.shift()?.() ?? Promise.resolve(null),
    () => 100_000,
  );
  const said = () => registry.getSingleMetricAsString('tapecast_forecast_queue_age_seconds');
  expect(await said()).toMatch(/ 60$/m);
  expect(await said()).toMatch(/ 0$/m);
  expect(await said()).not.toMatch(/_seconds \d/);
});
