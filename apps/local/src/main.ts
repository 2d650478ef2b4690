/**
 * `npm start` and `npm run dev` come here: `node apps/local/src/main.ts [--dev] [--root FOLDER]`. The root holds the services to start,
 * `.env` and the default DATA_DIR; tests give another one.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from './launcher.ts';
import { localSettings } from './settings.ts';

const { values } = parseArgs({ options: { dev: { type: 'boolean' }, root: { type: 'string' } } });
const root = resolve(values.root ?? join(import.meta.dirname, '..', '..', '..'));
const mode = values.dev ? 'development' : 'production';
const print = (line: string) => void process.stdout.write(`${line}\n`);

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!stopping.signal.aborted) print('Tapecast stops …');
    stopping.abort();
  });
}
// Whoever started us through a channel is gone: stop too, or this would run on unseen.
if (process.channel) {
  process.on('disconnect', () => stopping.abort());
  process.channel.unref();
}
// A terminal or pipe that closed must not keep us from stopping what we started.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stopping.abort());

try {
  const dotEnv = join(root, '.env');
  if (mode === 'development' && existsSync(dotEnv)) process.loadEnvFile(dotEnv);
  const settings = localSettings(root, process.env);
  await launch({ root, mode, settings, env: process.env, signal: stopping.signal, print });
  process.exitCode = 0;
} catch (error) {
  process.stderr.write(`\n${describe(error)}\n`);
  process.exitCode = 1;
}
process.exit();

/** What a person can act on; the stack as well when it is not one of the errors that say what to do. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const named = error.name !== 'Error' && error.name !== 'TypeError' && error.name !== 'RangeError';
  return named ? `Tapecast cannot start. ${error.message}` : `Tapecast cannot start.\n${error.stack ?? error.message}`;
}
