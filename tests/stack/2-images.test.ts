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
  packages: z.array(z.object({ name: z.string(), versionInfo: z.string() })).min(10),
});
const Lock = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });
/** Those that have the migrations' program. */
const MIGRATES = ['cli', 'backup'];
const Config = z.object({ User: z.string(), Labels: z.record(z.string(), z.string()) });

/** What a shell in the image prints, in the folder of the service. */
function inside(name: string, command: string): Promise<string> {
  return docker(['run', '--rm', '--network', 'none', '--entrypoint', 'sh', `tapecast/${name}:latest`, '-c', command]);
}

const show = (list: string): string => `cat /usr/share/sbom/${list}.spdx.json`;

/** @param text a list of packages, as the image holds it @returns the version of each */
function versions(text: string): Map<string, string> {
  const { spdxVersion, packages } = Bill.parse(JSON.parse(text));
  expect(spdxVersion).toBe('SPDX-2.3');
  return new Map(packages.map((each) => [each.name, each.versionInfo]));
}

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
    const [text = '', found = ''] = (
      await inside(name, `${show('npm')} && echo FOLDERS && cd node_modules && ls -d -- */ @*/*/`)
    ).split('FOLDERS\n');
    const listed = versions(text);
    for (const known of ['bullmq', 'pg', 'socket.io', 'zod']) expect(listed.get(known), known).toBe(locked(known));
    const folders = found.split('\n').map((folder) => folder.replace(/\/$/, ''));
    // Our own are links, and no folders of scopes.
    const there = folders.filter((folder) => folder !== '' && !/^@[^/]*$|^@tapecast\//.test(folder));
    expect(there.length).toBeGreaterThan(100);
    expect(there.filter((folder) => !listed.has(folder))).toEqual([]);
  });

  it('web lists the packages whose code is in its pages, and not those that built them', async () => {
    const listed = versions(await inside('web', show('pages')));
    for (const known of ['svelte', 'lightweight-charts']) expect(listed.get(known), known).toBe(locked(known));
    for (const builder of ['vite', 'tailwindcss', 'typescript']) expect(listed.has(builder), builder).toBe(false);
  });

  it.each(IMAGES)('%s has nothing to install or to build with, and what others need is not in it', async (name) => {
    const looks = [
      'for tool in npm npx corepack yarn apt perl tar su mount; do command -v $tool || true; done',
      "find . -name '*.map' -o -name '*.d.ts'",
      'cd node_modules && ls -d -- * @*/*',
      'du --summarize --apparent-size --block-size=1M /app',
    ];
    const [tools, types, list = '', size = ''] = (await inside(name, looks.join(' && echo NEXT && '))).split('NEXT\n');
    expect(tools).toBe('');
    expect(types).toBe('');
    const folders = list.split('\n');
    const builders = ['typescript', 'vite', 'svelte', '@modelcontextprotocol/sdk'];
    expect(folders.filter((folder) => builders.includes(folder))).toEqual([]);
    const migrations = folders.filter((folder) => folder.startsWith('@dbmate/'));
    expect(migrations).toHaveLength(MIGRATES.includes(name) ? 1 : 0);
    expect(folders.includes('@bull-board/ui')).toBe(name === 'board');
    expect(Number.parseInt(size, 10)).toBeLessThan(MIGRATES.includes(name) ? 80 : 45);
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
