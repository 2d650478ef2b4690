import type { RequestHandler } from './$types.js';
import { services } from '#lib/server/services.ts';

export const GET: RequestHandler = ({ request, params }) => services().rest.forecast(request, params.ticker);
export const POST: RequestHandler = ({ request }) => services().rest.write(request);
export const fallback: RequestHandler = ({ request }) => services().rest.notAllowed(request, 'GET, POST');
