import type { RequestHandler } from './$types.js';
import { services } from '#lib/server/services.ts';

/** Everything under /api that does not exist. */
export const GET: RequestHandler = ({ request }) => services().rest.notFound(request);
export const fallback: RequestHandler = ({ request }) => services().rest.notFound(request);
