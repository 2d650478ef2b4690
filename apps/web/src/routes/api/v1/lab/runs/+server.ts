import type { RequestHandler } from './$types.js';
import { callerOf, services } from '#lib/server/services.ts';

export const GET: RequestHandler = ({ request }) => services().rest.labRuns(request);
export const POST: RequestHandler = (event) => services().rest.newLabRun(event.request, callerOf(event));
export const fallback: RequestHandler = ({ request }) => services().rest.notAllowed(request, 'GET, POST');
