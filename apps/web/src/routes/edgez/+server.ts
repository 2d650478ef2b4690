import type { RequestHandler } from './$types.js';
import { services } from '#lib/server/services.ts';

export const GET: RequestHandler = ({ request }) => services().rest.edgez(request);
