/** `tapecast …`: see program.ts for the commands. */
import { runProgram } from './program.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // The second one ends us at once, whatever is under way: every command can be run again.
  process.once(signal, () => stopping.abort(new DOMException(`stopped by ${signal}`, 'AbortError')));
}
// A reader that has seen enough (`tapecast export | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runProgram(process.argv.slice(2), { env: process.env, signal: stopping.signal });
