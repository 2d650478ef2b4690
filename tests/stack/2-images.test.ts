/** What the images say about themselves. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { dockerOf } from './support/docker.ts';
import { onStack, world } from './support/outside.ts';
import { run } from './support/run.ts';
import { IMAGES, ROOT } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
const Bill = z.object({
  spdxVersion: z.string(),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  packages: z.array(z.object({ name: z.string(), versionInfo: z.string() })).min(100),
});
const Lock = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });
const Config = z.object({ User: z.string(), Labels: z.record(z.string(), z.string()) });

onStack('the image of', () => {
  let locked: (name: string) => string | undefined;
  let revision: string;
  beforeAll(async () => {
    const { packages } = Lock.parse(JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')));
    locked = (name) => packages[`node_modules/${name}`]?.version;
    revision = (await run('git', ['rev-parse', 'HEAD'], { cwd: ROOT }).catch(() => 'unknown')).trim();
  });

  it.each(IMAGES)('%s lists every package that it holds, with its version', async (name) => {
    // The list, and what is there by the names of its folders, scoped or not.
    const look = 'cat /usr/share/sbom/npm.spdx.json && echo FOLDERS && cd node_modules && ls -d -- */ @*/*/';
    const shell = ['run', '--rm', '--network', 'none', '--entrypoint', 'sh', `tapecast/${name}:latest`, '-c'];
    const [text = '', found = ''] = (await docker([...shell, look])).split('FOLDERS\n');
    const bill = Bill.parse(JSON.parse(text));
    expect(bill.spdxVersion).toBe('SPDX-2.3');
    const listed = new Map(bill.packages.map((each) => [each.name, each.versionInfo]));
    for (const known of ['bullmq', 'pg', 'socket.io', 'svelte', 'zod']) {
      expect(listed.get(known), known).toBe(locked(known));
    }
    const folders = found.split('\n').map((folder) => folder.replace(/\/$/, ''));
    // Our own are links, and no folders of scopes.
    const there = folders.filter((folder) => folder !== '' && !/^@[^/]*$|^@tapecast\//.test(folder));
    expect(there.length).toBeGreaterThan(100);
    expect(there.filter((folder) => !listed.has(folder))).toEqual([]);
  });

  it.each(IMAGES)('%s says what it is of, and is nobody’s', async (name) => {
    const text = await docker(['image', 'inspect', '--format', '{{json .Config}}', `tapecast/${name}:latest`]);
    const { User, Labels } = Config.parse(JSON.parse(text));
    expect(User).toBe('10001:10001');
    expect(Labels).toMatchObject({
      'org.opencontainers.image.title': 'Tapecast',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.revision': revision,
    });
    expect(Labels['org.opencontainers.image.version']).toMatch(/\S/);
    expect(Labels['org.opencontainers.image.source']).toMatch(/\S/);
  });
});
