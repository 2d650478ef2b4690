/** Three machines, each in namespaces of its own, by the words of deploy/README.md, "On three nodes"; their images come from a registry. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackDatabase, type Query } from './support/database.ts';
import { dockerOf, runningTasks, until, untilSettled, type Docker, type Task } from './support/docker.ts';
import { startEngine, type OwnEngine } from './support/engine.ts';
import { encryptsBetweenNodes } from './support/link.ts';
import { expectRows, listenMany, untilConnected, type Listener } from './support/listeners.ts';
import { tapecast } from './support/operator.ts';
import { ask, origin, world } from './support/outside.ts';
import { pinned } from './support/published.ts';
import { digestOf } from './support/registry.ts';
import { during } from './support/run.ts';
import { newestSet } from './support/secrets.ts';
import { removeStack } from './support/swarm.ts';
import { deploy, PUBLISHED, QUICK_LEAVE, STACK } from './support/world.ts';

const WORKERS = ['node2', 'node3'];
/** A given engine is one machine. */
const onNodes = describe.skipIf(world.cannotRun !== null || !world.ownsEngine);
const docker = dockerOf(world.dockerHost);
const engines = new Map<string, OwnEngine>();
let listeners: Listener[] = [];

function on(node: string): Docker {
  return dockerOf(engines.get(node)?.host ?? '');
}

/** Running tasks of a service, with the names of their nodes. */
async function placed(service: string): Promise<{ id: string; node: string }[]> {
  const format = '{{.ID}} {{.Node}} {{.CurrentState}}';
  const filter = ['--filter', 'desired-state=running'];
  const lines = await docker(['service', 'ps', '--format', format, ...filter, `${STACK}_${service}`]);
  const running = lines.split('\n').map((line) => line.split(' '));
  return running.flatMap(([id = '', node = '', state]) => (state === 'Running' ? [{ id, node }] : []));
}

/** One name for each task. */
async function nodesOf(service: string): Promise<string[]> {
  return (await placed(service)).map(({ node }) => node).toSorted();
}

function untilOnNodes(service: string, expected: (nodes: string[]) => boolean): Promise<void> {
  return until(`${service} runs where it should`, async () => {
    const nodes = await nodesOf(service);
    return expected(nodes) || `on ${nodes.join(', ')}`;
  });
}

async function answers(path: string): Promise<number> {
  return (await ask(`${origin}${path}`)).status;
}

async function expectExact(): Promise<void> {
  await untilConnected(listeners);
  const query: Query = stackDatabase(docker, on('node2'));
  await expectRows(docker, listeners, query);
}

/** Names of archives in the volume there. */
async function backupsOnNode3(): Promise<string[]> {
  const list = await tapecast(on('node3'), ['backup', 'list', '--json']);
  return [...new Set(list.match(/tapecast-\d{8}T\d{6}Z-\w+/g) ?? [])];
}

onNodes('on three nodes', () => {
  const folder = join(world.folder, 'deploy-nodes');
  let encrypted = true;

  beforeAll(async () => {
    const removed = removeStack(docker, STACK);
    removed.catch(() => undefined); // it is awaited below
    const manager = `${world.edge}:2377`;
    const token = (await docker(['swarm', 'join-token', '--quiet', 'worker'])).trim();
    for (const name of WORKERS) {
      const engine = await startEngine(join(world.folder, name), name);
      engines.set(name, engine);
      await on(name)(['swarm', 'join', '--token', token, '--advertise-addr', engine.addresses.there, manager]);
    }
    await removed;
    encrypted = await encryptsBetweenNodes();
    await cp(world.deploy, folder, { recursive: true });
    if (!encrypted) {
      const file = join(folder, 'stack.yml');
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll("    driver_opts: { encrypted: '' }\n", ''));
    }
  });
  afterAll(async () => {
    for (const { client } of listeners) client.close();
    if (engines.size > 0) await removeStack(docker, STACK);
    for (const [name, engine] of engines) {
      await engine.close();
      await docker(['node', 'rm', '--force', name]);
    }
  });

  it('deploy/up puts everything where it belongs, by its digests, and clients hear of every row', async ({ task }) => {
    const how = encrypted ? 'encrypted' : 'not encrypted (this kernel has no ESP)';
    Object.assign(task.meta, { ranOn: `three nodes, between them networks that are ${how}` });
    // Neither images nor `RESOLVE_IMAGE`: images.env tells the ones, and the registry the digests of ours.
    const others = Object.entries(world.settings).filter(([name]) => !/_IMAGE$/.test(name));
    await deploy(docker, folder, {
      ...Object.fromEntries(others),
      REGISTRY: `${world.registry.address}/tapecast`,
      TAG: PUBLISHED,
      SECRETS: String(await newestSet(docker)),
      DATABASE_NODE: 'node.hostname == node2',
      BACKUP_NODE: 'node.hostname == node3',
      ...QUICK_LEAVE,
    });
    expect(await nodesOf('timescaledb')).toEqual(['node2']);
    expect(await nodesOf('redis')).toEqual(['node2']);
    expect(await nodesOf('backup')).toEqual(['node3']);
    expect(await nodesOf('traefik')).toEqual(['node1']);
    expect(new Set(await nodesOf('web')).size).toBe(2);

    const images = await pinned();
    const expected = new Map<string, string>();
    for (const [service, name] of [
      ['traefik', 'TRAEFIK_IMAGE'],
      ['docker-api', 'HAPROXY_IMAGE'],
      ['timescaledb', 'TIMESCALEDB_IMAGE'],
      ['redis', 'REDIS_IMAGE'],
    ] as const)
      expected.set(service, images.get(name) ?? '');
    for (const service of ['web', 'ingestor', 'forecaster', 'backup']) {
      const digest = await digestOf(docker, world.registry, `tapecast/${service}`, PUBLISHED);
      expected.set(service, `${world.registry.address}/tapecast/${service}:${PUBLISHED}@${digest}`);
    }
    for (const [service, image] of expected) {
      const tasks: Task[] = await runningTasks(docker, `${STACK}_${service}`);
      expect(tasks.length, service).toBeGreaterThan(0);
      for (const each of tasks) expect(each.image).toBe(image);
    }

    await until('the edge shows the page', async () => (await answers('/')) === 200 || 'not yet');
    expect(await answers('/api/v1/tickers')).toBe(200);
    listeners = listenMany(20);
    await expectExact();
  });

  it('a node that is drained gives its tasks to others, and every client keeps the rows', async () => {
    await docker(['service', 'scale', '--detach', `${STACK}_web=3`]);
    await untilSettled(docker, `${STACK}_web`, 3);
    expect(await nodesOf('web')).toEqual(['node1', 'node2', 'node3']);
    await docker(['node', 'update', '--availability', 'drain', 'node3']);
    for (const [service, count] of [
      ['web', 3],
      ['ingestor', 2],
      ['forecaster', 2],
    ] as const)
      await untilOnNodes(service, (nodes) => nodes.length === count && !nodes.includes('node3'));
    await expectExact();
    await docker(['node', 'update', '--availability', 'active', 'node3']);
    await untilOnNodes('backup', (nodes) => nodes.join() === 'node3');
  });

  it('a node that dies is done without, and comes back with its volumes', async () => {
    const backups = await backupsOnNode3();
    expect(backups.length).toBeGreaterThan(0);
    // Swarm moves none back, but gives the emptiest node what is new.
    await docker(['service', 'scale', '--detach', `${STACK}_web=4`]);
    await untilOnNodes('web', (nodes) => nodes.length === 4 && nodes.includes('node3'));
    await untilConnected(listeners);

    const engine = engines.get('node3');
    await engine?.crash();
    for (const [service, count] of [
      ['web', 4],
      ['ingestor', 2],
      ['forecaster', 2],
    ] as const)
      await untilOnNodes(service, (nodes) => nodes.length === count && !nodes.includes('node3'));
    await expectExact();

    if (engine !== undefined) engines.set('node3', await during('Starting the node again', engine.restart));
    await untilOnNodes('backup', (nodes) => nodes.join() === 'node3');
    expect(await backupsOnNode3()).toEqual(expect.arrayContaining(backups));
    await expectExact();
  });

  it('the database’s node dies: pages and sockets stay and say how it stands, and all goes on when it is back', async () => {
    const elsewhere = (await placed('web')).filter(({ node }) => node !== 'node2');
    expect(elsewhere.length).toBeGreaterThan(0);
    const engine = engines.get('node2');
    await engine?.crash();
    // A replica that knew the prices calls them stale; one that was just started says that it cannot read any.
    await until('every client is connected, holds bars and knows that they are old', async () => {
      const waiting = listeners.filter(
        ({ client, held, states }) =>
          client.connection.state !== 'connected' ||
          [...held.values()].some((bars) => bars.size === 0) ||
          [...states.values()].some((state) => state !== 'stale' && state !== 'unavailable'),
      );
      const [first] = waiting;
      return first === undefined || `${waiting.length} are not, the first is told ${[...first.states].join(' ')}`;
    });
    expect(await answers('/')).toBe(200);
    expect(await answers('/api/v1/tickers')).toBe(503);

    if (engine !== undefined) engines.set('node2', await during('Starting the node again', engine.restart));
    await untilOnNodes('timescaledb', (nodes) => nodes.join() === 'node2');
    await until('REST answers again', async () => (await answers('/api/v1/tickers')) === 200 || 'not yet');
    const now = (await placed('web')).map(({ id }) => id);
    expect(now).toEqual(expect.arrayContaining(elsewhere.map(({ id }) => id)));
    await expectExact();
  });
});
