/** Hands the services to the SvelteKit bundle, which is a module graph of its own: only a global reaches both. */
import type { WebServices } from './services.ts';

/** The same symbol as in src/lib/server/services.ts. */
const KEY = Symbol.for('tapecast.web.services');

export function publishServices(services: WebServices): void {
  Object.assign(globalThis, { [KEY]: services });
}
