import type { RequestHandler } from './$types.js';
import { callerOf, services } from '#lib/server/services.ts';

export const POST: RequestHandler = (event) =>
  services().rest.cancelLabRun(event.request, event.params.id, callerOf(event));
export const fallback: RequestHandler = ({ request }) => services().rest.notAllowed(request, 'POST');
