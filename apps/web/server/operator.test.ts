import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Operators, type Caller } from './operator.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function boundTo(host: string, behindProxies = false): Promise<Operators> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const operators = new Operators(behindProxies);
  operators.serves(server);
  return operators;
}

const JSON_TYPE = { 'content-type': 'application/json', host: 'localhost:3000' };
const from = (more: Caller['headers'] = {}, remoteAddress = '127.0.0.1', httpVersion = '1.1'): Caller => ({
  headers: { ...JSON_TYPE, ...more },
  socket: { remoteAddress },
  httpVersion,
});

describe('a server bound to loopback', () => {
  it.each([
    ['curl', from()],
    ['curl at an address', from({ host: '127.0.0.1:3000', 'content-type': 'application/json; charset=utf-8' })],
    ['its own page', from({ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' })],
    ['its own page, over IPv6', from({ host: '[::1]:3000', origin: 'http://[::1]:3000' }, '::1')],
    ['a dual-stack socket', from({}, '::ffff:127.0.0.1')],
    ['another port, as through a tunnel', from({ host: 'localhost:8080', origin: 'http://localhost:8080' })],
  ])('takes changes from %s', async (_who, caller) => {
    expect((await boundTo('127.0.0.1')).refusal(caller)).toBeNull();
  });

  it.each([
    ['another machine', from({}, '192.0.2.1')],
    ['nobody known', { ...from(), socket: {} }],
    ['a proxy that says so', from({ 'x-forwarded-for': '127.0.0.1' })],
    ['a proxy that names itself', from({ via: '1.1 squid' })],
    ['a proxy by RFC 7239', from({ forwarded: 'for=127.0.0.1' })],
    ['a proxy that speaks HTTP/1.0', from({}, '127.0.0.1', '1.0')],
    ['a name that was rebound to 127.0.0.1', from({ host: 'evil.example:3000', origin: 'http://evil.example:3000' })],
    ['a name that only begins like one', from({ host: '127.0.0.1.evil.example' })],
    ['no name', { ...from(), headers: { 'content-type': 'application/json' } }],
    ['a page of another site', from({ origin: 'https://evil.example' })],
    ['a page of another port of this machine', from({ origin: 'http://localhost:5173' })],
    ['a page without an origin', from({ origin: 'null' })],
    ['a page of another site, by its fetch metadata', from({ 'sec-fetch-site': 'cross-site' })],
    ['a page of the same site only', from({ 'sec-fetch-site': 'same-site' })],
    ['a form', from({ 'content-type': 'application/x-www-form-urlencoded' })],
    ['a form that hides JSON', from({ 'content-type': 'text/plain' })],
    ['something without a type', { ...from(), headers: { host: 'localhost' } }],
  ])('refuses %s', async (_who, caller) => {
    expect((await boundTo('127.0.0.1')).refusal(caller)).toEqual(expect.any(String));
  });
});

it.each([
  ['bound to all addresses', '0.0.0.0', false],
  ['behind a proxy, as its operator says', '127.0.0.1', true],
])('a server %s takes nothing, not even from its own machine', async (_what, host, behindProxies) => {
  expect((await boundTo(host, behindProxies)).refusal(from())).toContain('open to others');
});

it('takes nothing before it is bound, or when the caller is not known', async () => {
  expect(new Operators(false).refusal(from())).toEqual(expect.any(String));
  expect((await boundTo('127.0.0.1')).refusal(undefined)).toEqual(expect.any(String));
});
