// `npm run check`: all steps run even when one fails, two at a time; what each said is shown when it ends. They keep what they found out
// about unchanged files in node_modules/.cache, by content, so that a second run takes a fraction of the first.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const CACHE = join('node_modules', '.cache');
const STEPS = [
  {
    name: 'svelte',
    commands: [
      ['svelte-kit', 'sync'],
      ['svelte-check', '--tsconfig', './tsconfig.json'],
    ],
    folder: join('apps', 'web'),
  },
  { name: 'types', commands: [['tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', join(CACHE, 'tsc.json')]] },
  {
    name: 'eslint',
    commands: [['eslint', '--cache', '--cache-strategy', 'content', '--cache-location', join(CACHE, 'eslint'), '.']],
  },
  {
    name: 'prettier',
    commands: [['prettier', '--check', '--cache', '--cache-strategy', 'content', '--log-level', 'warn', '.']],
  },
  { name: 'knip', commands: [['knip']] },
];
const AT_ONCE = 2;

/** @returns {Promise<{ passed: string[], failed: string[] }>} names of steps */
export async function runChecks(root, { env, print, steps = STEPS }) {
  const waiting = [...steps];
  const outcome = { passed: [], failed: [] };
  const work = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const { ok, output } = await runStep(step, root, env);
      outcome[ok ? 'passed' : 'failed'].push(step.name);
      print(`${ok ? 'ok    ' : 'FAILED'} ${step.name}${ok || output === '' ? '' : `\n${output}`}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcome;
}

async function runStep({ commands, folder = '.' }, root, env) {
  let output = '';
  for (const [command, ...args] of commands) {
    const { code, said } = await run(command, args, join(root, folder), env);
    output += said;
    if (code !== 0) return { ok: false, output: output.trimEnd() };
  }
  return { ok: true, output: output.trimEnd() };
}

function run(command, args, cwd, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
    child.once('error', (error) => resolve({ code: 1, said: `${command}: ${error.message}` }));
    child.once('close', (code) => resolve({ code, said }));
  });
}
