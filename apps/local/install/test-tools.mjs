// Programs that tests need and npm does not bring. Where we may, they are installed; elsewhere the tests that need them fail and
// say so.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS = [
  { debian: 'chromium', programs: ['chromium', 'chromium-browser', 'google-chrome'], variable: 'CHROMIUM_PATH' },
  { debian: 'redis-server', programs: ['redis-server'] },
  { debian: 'pgbouncer', programs: ['pgbouncer'] },
  { debian: 'openssl', programs: ['openssl'] },
  { debian: 'procps', programs: ['ps'] },
  { debian: 'nginx-light', programs: ['nginx'] },
  { debian: 'caddy', programs: ['caddy'] },
];

const PYTHON_PATIENCE_MS = 180_000;

/** @param {{ print: (line: string) => void, env?: NodeJS.ProcessEnv }} options */
export function installTestTools({ print, env = process.env }) {
  const missing = TOOLS.filter((tool) => !isThere(tool, env)).map(({ debian }) => debian);
  if (missing.length === 0) return;
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    print(
      `The tests need ${missing.join(' and ')}, which cannot be installed from here: install them, or these tests fail.`,
    );
    return;
  }
  print(`Installing ${missing.join(' and ')} for the tests …`);
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  const run = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options);
  if (run.status !== 0)
    print(`apt-get could not install ${missing.join(' and ')}: the tests that need them will fail.`);
}

/** What the Python example of docs/protocol.md needs, with its own interpreter: systems differ, and are left as they are. */
const PYTHON_PACKAGES = ['python-socketio==5.18.1', 'websocket-client==1.9.2', 'requests==2.34.2'];

/** Without it the example's test is skipped by name. */
export function installTestPython(root, { print }) {
  const folder = join(root, '.tapecast', 'test-python');
  if (existsSync(join(folder, 'ready'))) return;
  print('Making a Python environment for the tests …');
  const options = { stdio: 'ignore', timeout: PYTHON_PATIENCE_MS };
  rmSync(folder, { recursive: true, force: true });
  const pip = join(folder, 'bin', 'pip');
  const made =
    spawnSync('python3', ['-m', 'venv', folder], options).status === 0 &&
    spawnSync(pip, ['install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES], options).status === 0;
  if (made) writeFileSync(join(folder, 'ready'), '');
  else print('It could not be made (python3 with venv, and a way to PyPI): the Python example is not tried.');
}

function isThere({ programs, variable }, env) {
  if (variable !== undefined && env[variable]) return true;
  const folders = (env.PATH ?? '').split(delimiter);
  return programs.some((program) => folders.some((folder) => existsSync(join(folder, program))));
}
