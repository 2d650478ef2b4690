/** Reload in development: a service starts again when a source of its own or of a package changed. */
import { watch } from 'node:fs';
import { join } from 'node:path';

const SETTLE_MS = 150;
const SOURCE = /\.(ts|mjs|json|sql)$/;

/** Watches until the signal is aborted. @param folders relative to `root`, each with all below it */
export function watchSources(root: string, folders: string[], signal: AbortSignal, onChange: () => void): void {
  let settle: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', () => clearTimeout(settle));
  for (const folder of folders) {
    watch(join(root, folder), { recursive: true, signal }, (_event, file) => {
      // An editor saves in several steps, and a checkout changes many files.
      if (file === null || !SOURCE.test(file) || file.includes('.test.')) return;
      clearTimeout(settle);
      settle = setTimeout(onChange, SETTLE_MS);
    }).on('error', () => undefined);
  }
}
