import type { RequestHandler } from './$types.js';
import { services } from '#lib/server/services.ts';

export const GET: RequestHandler = ({ request, params }) => services().rest.repairs(request, params.ticker);
export const fallback: RequestHandler = ({ request }) => services().rest.notAllowed(request, 'GET');
