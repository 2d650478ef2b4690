import { type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { isLoopback, refusal } from './request-guard.ts';

function request(method: string, headers: Record<string, string>): IncomingMessage {
  return { method, headers } as unknown as IncomingMessage;
}

test.each([
  ['its own page reads', 'GET', { host: '127.0.0.1:3010' }, null],
  ['its own page reads by name', 'GET', { host: 'localhost:3010' }, null],
  ['its own page reads over IPv6', 'GET', { host: '[::1]:3010' }, null],
  ['a name that was pointed at this machine', 'GET', { host: 'evil.example:3010' }, 'localhost only'],
  ['no name at all', 'GET', {}, 'localhost only'],
  ['a program writes', 'PUT', { host: 'localhost:3010' }, null],
  ['its own page writes', 'PUT', { host: 'localhost:3010', origin: 'http://localhost:3010' }, null],
  ['another page writes', 'PUT', { host: 'localhost:3010', origin: 'https://evil.example' }, 'other sites'],
  ['a form without an origin', 'POST', { host: 'localhost:3010', 'sec-fetch-site': 'cross-site' }, 'other sites'],
  ['a sandboxed frame', 'POST', { host: 'localhost:3010', origin: 'null' }, 'other sites'],
])('%s', (_who, method, headers, expected) => {
  const answer = refusal(request(method, headers as Record<string, string>), { behindProxy: false });
  if (expected === null) expect(answer).toBeNull();
  else expect(answer).toContain(expected);
});

test('behind a proxy any name is its own, and other sites still may not write', () => {
  const host = 'board.example';
  expect(refusal(request('GET', { host }), { behindProxy: true })).toBeNull();
  expect(refusal(request('PUT', { host, origin: 'https://board.example' }), { behindProxy: true })).toBeNull();
  expect(refusal(request('PUT', { host, origin: 'https://evil.example' }), { behindProxy: true })).toContain('other');
});

test('loopback is what only this machine reaches', () => {
  expect(['127.0.0.1', '127.8.0.1', 'localhost', '::1', '[::1]'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', ''].some(isLoopback)).toBe(false);
});
