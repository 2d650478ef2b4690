// Programs that tests need and npm does not bring. Where we may, they are installed; elsewhere the tests that need them fail and
// say so.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS = [
  { debian: 'chromium', programs: ['chromium', 'chromium-browser', 'google-chrome'], variable: 'CHROMIUM_PATH' },
  { debian: 'redis-server', programs: ['redis-server'] },
  { debian: 'pgbouncer', programs: ['pgbouncer'] },
  { debian: 'openssl', programs: ['openssl'] },
  { debian: 'procps', programs: ['ps'] },
];

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

function isThere({ programs, variable }, env) {
  if (variable !== undefined && env[variable]) return true;
  const folders = (env.PATH ?? '').split(delimiter);
  return programs.some((program) => folders.some((folder) => existsSync(join(folder, program))));
}
