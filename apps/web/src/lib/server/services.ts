/** The services that the server published before it loaded this bundle; see server/services-global.ts. */
import type { RequestEvent } from '@sveltejs/kit';
import type { Caller } from '../../../server/operator.ts';
import type { WebServices } from '../../../server/services.ts';

const KEY = Symbol.for('tapecast.web.services');

export function services(): WebServices {
  const published = (globalThis as { [key: symbol]: unknown })[KEY];
  if (published === undefined) throw new Error('No services: start the app through server/main.ts or vite dev.');
  return published as WebServices;
}

/** Node's own request as adapter-node hands it on; put together anew for vite's dev server, which does not. */
export function callerOf({ platform, request, getClientAddress }: RequestEvent): Caller {
  if (platform !== undefined && 'req' in platform) return platform.req as Caller;
  return {
    headers: Object.fromEntries(request.headers),
    httpVersion: '1.1',
    socket: { remoteAddress: getClientAddress() },
  };
}
