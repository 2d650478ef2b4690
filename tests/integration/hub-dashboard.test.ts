/** The Grafana dashboard asks for metrics that the hub has. */
import { readFile } from 'node:fs/promises';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createHubMetrics } from '../../apps/web/server/hub/metrics.ts';

it('asks for no metric that does not exist, and for all that do', async () => {
  const registry = new Registry();
  createHubMetrics(registry);
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  const dashboard = await readFile(new URL('../../deploy/grafana/live.json', import.meta.url), 'utf8');
  const asked = new Set([...dashboard.matchAll(/tapecast_hub_\w+/g)].map(([name]) => name.replace(/_bucket$/, '')));
  expect([...asked].sort()).toEqual(names.sort());
});
