import type { RequestHandler } from './$types.js';
import { services } from '#lib/server/services.ts';

export const GET: RequestHandler = ({ request, params }) => services().rest.labRun(request, params.id);
export const fallback: RequestHandler = ({ request }) => services().rest.notAllowed(request, 'GET');
