/** Operators' pages of stack.tools.yml, those whose programs can be had here: the queue board, and Prometheus with what it finds. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ALL_QUEUES } from '@tapecast/contracts/jobs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { dockerOf, until, untilSettled } from './support/docker.ts';
import { alertExpressions, dashboardExpressions, metricNames } from './support/metric-names.ts';
import { authorization } from './support/operator.ts';
import { ask, onStack, world } from './support/outside.ts';
import { newestSet } from './support/secrets.ts';
import { ROOT, STACK } from './support/world.ts';

const TOOLS = ['board', 'prometheus', 'node-exporter'];
const docker = dockerOf(world.dockerHost);
const Tools = z.looseObject({
  services: z.record(z.string(), z.unknown()),
  configs: z.record(z.string(), z.looseObject({ file: z.string() })),
});
const Targets = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.object({ job: z.string() }), health: z.string(), lastError: z.string() }),
    ),
  }),
});
/** What Prometheus makes itself. */
const OF_PROMETHEUS = 'up';
const Metadata = z.object({ data: z.record(z.string(), z.array(z.object({ type: z.string() }))) });
const Rules = z.object({
  data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })) }),
});

/** stack.tools.yml with these services only, on the networks of the running stack. */
async function deployTools(names: string[]): Promise<void> {
  const text = await readFile(join(ROOT, 'deploy', 'stack.tools.yml'), 'utf8');
  const { services, configs, ...rest } = Tools.parse(parse(text, { merge: true }));
  const number = await newestSet(docker);
  const external = (name: string) => [name, { external: true, name: `${STACK}_${name}` }];
  const chosen = {
    ...rest,
    version: '3.9',
    services: Object.fromEntries(names.map((name) => [name, services[name]])),
    configs: Object.fromEntries(
      Object.entries(configs).map(([name, config]) => [name, { ...config, file: join(ROOT, 'deploy', config.file) }]),
    ),
    networks: Object.fromEntries(['app', 'data', 'edge'].map(external)),
    secrets: Object.fromEntries(
      ['queue_url', 'postgres_password'].map((name) => [name, { external: true, name: `${STACK}_${name}_${number}` }]),
    ),
  };
  const file = join(world.folder, 'tools.json');
  await writeFile(file, JSON.stringify(chosen));
  await docker(['stack', 'deploy', '--resolve-image', 'never', '--compose-file', file, STACK], {
    env: { ...docker.env, ...world.settings },
  });
}

onStack('the operators’ tools', () => {
  beforeAll(async () => {
    await deployTools(TOOLS);
    for (const name of TOOLS) await untilSettled(docker, `${STACK}_${name}`, 1);
  });
  // Nothing after this needs them.
  afterAll(async () => {
    if (world.cannotRun === null) await docker(['service', 'rm', ...TOOLS.map((name) => `${STACK}_${name}`)]);
  });

  async function answers(url: string): Promise<string> {
    await until(`${url} is shown to an operator`, async () => {
      const { status } = await ask(url, { authorization: authorization() });
      return status === 200 || `status ${status}`;
    });
    expect((await ask(url)).status).toBe(401);
    return (await ask(url, { authorization: authorization() })).body;
  }

  it('the queue board shows all queues, to operators only', async () => {
    const origin = `https://queues.${world.domain}`;
    expect(await answers(`${origin}/`)).toContain('Tapecast queues');
    const said = await answers(`${origin}/api/queues`);
    for (const queue of ALL_QUEUES) expect(said).toContain(`"${queue}"`);
  });

  it('Prometheus finds every task and reads every rule, for operators only', async () => {
    const origin = `https://prometheus.${world.domain}`;
    await answers(`${origin}/api/v1/rules`);
    await until('all tasks answer Prometheus', async () => {
      const { activeTargets } = Targets.parse(JSON.parse(await answers(`${origin}/api/v1/targets`))).data;
      const up = activeTargets.filter(({ health }) => health === 'up').map(({ labels }) => labels.job);
      const down = activeTargets.filter(({ health }) => health !== 'up').map(({ lastError }) => lastError);
      const seen = up.toSorted().join(' ');
      const expected = 'backup forecaster forecaster ingestor ingestor node traefik web web';
      return seen === expected || `${seen}; ${down.join('; ')}`;
    });
    const { groups } = Rules.parse(JSON.parse(await answers(`${origin}/api/v1/rules`))).data;
    const rules = groups.flatMap(({ rules: list }) => list);
    expect(rules.map(({ name }) => name)).toContain('QueueOld');
    await until('every rule could be evaluated', async () => {
      const now = Rules.parse(JSON.parse(await answers(`${origin}/api/v1/rules`))).data.groups;
      const bad = now.flatMap(({ rules: list }) => list).filter(({ health }) => health !== 'ok');
      return bad.length === 0 || bad.map(({ name, health }) => `${name} ${health}`).join(', ');
    });
  });

  it('the alerts about disks see the node’s', async () => {
    const about = (await alertExpressions()).find((expression) => expression.includes('node_filesystem')) ?? '';
    const [series = ''] = /node_filesystem_avail_bytes\{[^}]*\}/.exec(about) ?? [];
    const url = `https://prometheus.${world.domain}/api/v1/query?query=${encodeURIComponent(series)}`;
    await until(
      'Prometheus has disks',
      async () => /"mountpoint":"\/"/.test(await answers(url)) || (await answers(url)),
    );
  });

  it('their certificates were issued by DNS-01, with a password that is a secret', async () => {
    const proven: unknown = await (await fetch(`${world.nameProvider}/proven`)).json();
    for (const name of ['queues', 'prometheus']) expect(proven).toContain(`${name}.${world.domain}`);
    const inspected = await docker(['service', 'inspect', `${STACK}_traefik`]);
    expect(inspected).toContain('HTTPREQ_PASSWORD_FILE=/run/secrets/dns_password');
    expect(inspected).not.toContain('HTTPREQ_PASSWORD=');
  });

  it('dashboards and alerts ask for nothing but what the services export', async () => {
    const url = `https://prometheus.${world.domain}/api/v1/metadata`;
    const expressions = [...(await dashboardExpressions()), ...(await alertExpressions())];
    const asked = [...new Set(expressions.flatMap(metricNames))].filter((name) => name !== OF_PROMETHEUS);
    expect(asked.length).toBeGreaterThan(20);
    await until('Prometheus knows all of them', async () => {
      const { data } = Metadata.parse(JSON.parse(await answers(url)));
      const known = (name: string) =>
        name in data || (name.endsWith('_bucket') && data[name.slice(0, -'_bucket'.length)]?.[0]?.type === 'histogram');
      const unknown = asked.filter((name) => !known(name));
      return unknown.length === 0 || unknown.join(', ');
    });
  });
});
