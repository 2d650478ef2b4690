/** The services that the server published before it loaded this bundle; see server/services-global.ts. */
import type { WebServices } from '../../../server/services.ts';

const KEY = Symbol.for('tapecast.web.services');

export function services(): WebServices {
  const published = (globalThis as { [key: symbol]: unknown })[KEY];
  if (published === undefined) throw new Error('No services: start the app through server/main.ts or vite dev.');
  return published as WebServices;
}
