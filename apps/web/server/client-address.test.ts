import { describe, expect, it } from 'vitest';
import { isLoopback, parseNetworks, TrustedProxies } from './client-address.ts';

const asked = (remoteAddress: string, headers: Record<string, string> = {}) => ({ headers, socket: { remoteAddress } });

describe('the address of who asks', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

  it.each([
    ['the connection itself', '203.0.113.5', undefined, '203.0.113.5'],
    ['nobody who only claims to be a proxy', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['whom a trusted proxy names', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    [
      'the nearest that is not trusted, whatever it claims',
      '10.1.2.3',
      '1.1.1.1, 198.51.100.1, 192.0.2.7',
      '198.51.100.1',
    ],
    ['the proxy, when what it says is no address', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['through a dual-stack socket', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['over IPv6', 'fd00::1', '2001:db8::2', '2001:db8::2'],
  ])('is %s', (_what, remote, forwarded, expected) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    expect(proxies.clientAddress(asked(remote, headers))).toBe(expected);
  });

  it('believes the host and protocol of trusted proxies only', () => {
    const headers = { host: 'inner:3000', 'x-forwarded-host': 'tape.example', 'x-forwarded-proto': 'https' };
    expect(proxies.origin(asked('10.1.2.3', headers))).toBe('https://tape.example');
    expect(proxies.origin(asked('203.0.113.5', headers))).toBe('http://inner:3000');
  });
});

it('takes addresses and networks, and names what is neither', () => {
  expect(parseNetworks(' 10.0.0.0/8, ::1 ,')).toEqual(['10.0.0.0/8', '::1']);
  for (const wrong of ['proxy.example', '10.0.0.0/33', '::1/129', '10.0.0.0/8/9', '10.0.0.0/']) {
    expect(() => parseNetworks(wrong)).toThrow(JSON.stringify(wrong));
  }
});

it('knows loopback', () => {
  expect(['127.0.0.1', '127.8.0.1', '::1', '10.0.0.1', '::2'].map(isLoopback)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
