import type { RequestHandler } from './$types.js';
import { services } from '#lib/server/services.ts';

export const DELETE: RequestHandler = ({ request }) => services().rest.write(request);
export const fallback: RequestHandler = ({ request }) => services().rest.notAllowed(request, 'DELETE');
