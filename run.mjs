// Every command of the project begins here: `node run.mjs start|dev|test|check|bench <name>|tapecast …` (see "scripts" in package.json).
// Plain JavaScript without dependencies, since it runs on whatever Node ≥ 20 the host has, before anything is installed.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChecks } from './apps/local/install/checks.mjs';
import { installDependencies } from './apps/local/install/dependencies.mjs';
import { lock } from './apps/local/install/lock.mjs';
import { runInGroup } from './apps/local/install/process-group.mjs';
import { findNode, projectEnvironment } from './apps/local/install/project-node.mjs';
import { installTestPython, installTestTools } from './apps/local/install/test-tools.mjs';
import { buildWeb } from './apps/local/install/web-build.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const LAUNCHER = join(root, 'apps', 'local', 'src', 'main.ts');
const COMMAND_LINE = join(root, 'apps', 'cli', 'src', 'main.ts');
const printed = (line) => process.stdout.write(`${line}\n`);

const COMMANDS = {
  start: async (args) => {
    const { node, env } = await prepare({ web: true });
    return runInGroup(node, [LAUNCHER, ...args], { cwd: root, env, channel: true });
  },
  dev: async (args) => {
    const { node, env } = await prepare({ web: false });
    return runInGroup(node, [LAUNCHER, '--dev', ...args], { cwd: root, env, channel: true });
  },
  test: async (args) => {
    const { node, env } = await prepare({ web: true });
    installTestTools({ print: printed, env });
    installTestPython(root, { print: printed });
    return test(node, env, args);
  },
  // The stack's images are built from the sources: the web app is built in one of them.
  'test:stack': async (args) => {
    const { node, env } = await prepare({ web: false });
    return test(node, env, ['--config', join('tests', 'stack', 'vitest.config.ts'), ...args]);
  },
  check: async () => {
    const { env } = await prepare({ web: false });
    const { passed, failed } = await runChecks(root, { env, print: printed });
    if (failed.length > 0) printed(`\nFailed: ${failed.join(', ')}`);
    printed(`${passed.length} passed, ${failed.length} failed`);
    return failed.length === 0 ? 0 : 1;
  },
  screenshots: async () => {
    const { node, env } = await prepare({ web: true });
    installTestTools({ print: printed, env });
    return runInGroup(node, [join(root, 'docs', 'images', 'take.ts')], { cwd: root, env });
  },
  tapecast: async (args) => {
    const { node, env } = await prepare({ web: false, print: (line) => process.stderr.write(`${line}\n`) });
    // A large young generation lets the memory of long streams grow, and gains them nothing: they leave little behind.
    return runInGroup(node, ['--max-semi-space-size=2', COMMAND_LINE, ...args], {
      cwd: process.env.INIT_CWD ?? process.cwd(),
      env,
    });
  },
  bench: async ([name, ...args]) => {
    const script =
      name &&
      [join(root, 'bench', `${name}.ts`), join(root, 'bench', name, 'main.ts')].find((path) => existsSync(path));
    if (!script) throw new Error(`There is no benchmark "${name ?? ''}" in bench/.`);
    const { node, env } = await prepare({ web: true });
    return runInGroup(node, [script, ...args], { cwd: root, env });
  },
};

/** Installed, built, and the Node to go on with. */
async function prepare({ web, print = printed }) {
  const { release, lend } = await lock(join(root, '.tapecast', 'install.lock'), (owner) =>
    print(`Process ${owner} is installing or building here; waiting for it …`),
  );
  try {
    await installDependencies(root, { print, lend });
    const node = findNode(root);
    const env = projectEnvironment(root, node);
    if (web) await buildWeb(root, { node, env, print });
    return { node, env };
  } finally {
    release();
  }
}

/** Runs vitest; the reporter leaves its figures in a file, so that a run that died without any is no success. */
async function test(node, env, args) {
  const folder = mkdtempSync(join(tmpdir(), 'tapecast-summary-'));
  const file = join(folder, 'summary.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=./tests/support/summary-reporter.ts'];
    const code = await runInGroup(node, [vitest, 'run', ...reporters, ...args], {
      cwd: root,
      env: { ...env, TAPECAST_TEST_SUMMARY: file },
    });
    const summary = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { passed: 0, failed: 1, skipped: 0, lines: ['The tests did not come to their end.'] };
    for (const line of summary.lines) printed(line);
    if (code !== 0 && summary.failed === 0) summary.failed = 1;
    printed(
      `${summary.passed} passed, ${summary.failed} failed${summary.skipped > 0 ? `, ${summary.skipped} skipped` : ''}`,
    );
    return summary.failed > 0 ? 1 : code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [command, ...args] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command ?? '')) {
  process.stderr.write(`Usage: node run.mjs ${Object.keys(COMMANDS).join('|')}\n`);
  process.exit(2);
}
try {
  process.exit(await COMMANDS[command](args));
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
