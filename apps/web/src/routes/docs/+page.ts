import type { PageLoad } from './$types.js';
import { browser } from '$app/env';
import { resolve } from '$app/paths';

interface OpenApi {
  info: { title: string; description: string };
  paths: Record<
    string,
    Record<
      string,
      { summary: string; parameters?: Parameter[]; requestBody?: object; responses: Record<string, object> }
    >
  >;
}
interface Parameter {
  name: string;
  in: string;
  required: boolean;
  schema: object;
}
interface AsyncApi {
  info: { title: string; version: string; description: string };
  operations: Record<string, { action: 'send' | 'receive'; messages: { $ref: string }[]; reply?: object }>;
  components: { messages: Record<string, { name: string; summary: string; payload: object }> };
}

export const load: PageLoad = async ({ fetch }): Promise<{ rest: OpenApi; live: AsyncApi }> => {
  const read = async (name: string) => (await fetch(`${browser ? resolve('/') : '/'}api/${name}`)).json();
  const [rest, live] = await Promise.all([read('openapi.json'), read('asyncapi.json')]);
  return { rest: rest as OpenApi, live: live as AsyncApi };
};
