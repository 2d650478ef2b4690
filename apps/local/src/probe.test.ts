import { describe, expect, it } from 'vitest';
import { chooseSource } from './probe.ts';

const signal = new AbortController().signal;
const answering = (answer: () => Promise<Response>) => ({ yahooOrigin: null, signal, fetch: answer });

describe('chooseSource', () => {
  it.each([
    ['a chart', 200, '{"chart":{"result":[]}}'],
    ['a refusal in JSON', 429, '{"finance":{"error":{"code":"Too Many Requests"}}}'],
  ])('takes Yahoo when it answers with %s', async (_what, status, body) => {
    const choice = await chooseSource(
      'auto',
      answering(async () => new Response(body, { status })),
    );
    expect(choice.source).toBe('yahoo');
  });

  it('simulates, and says why, when what answers is not Yahoo', async () => {
    const portal = async () => new Response('<html>Log in to this network</html>');
    expect(await chooseSource('auto', answering(portal))).toEqual({
      source: 'simulated',
      why: 'https://query1.finance.yahoo.com answers with status 200 and no JSON',
    });
  });

  it('simulates, and says why, when nobody answers', async () => {
    const choice = await chooseSource('auto', {
      ...answering(() => Promise.reject(new TypeError('fetch failed', { cause: new Error('ENOTFOUND') }))),
      yahooOrigin: 'http://127.0.0.1:1',
    });
    expect(choice).toEqual({ source: 'simulated', why: 'http://127.0.0.1:1 cannot be reached: ENOTFOUND' });
  });

  it('asks nobody when the source was given', async () => {
    const choice = await chooseSource(
      'yahoo',
      answering(() => Promise.reject(new Error('must not be asked'))),
    );
    expect(choice.source).toBe('yahoo');
  });

  it('does not take being stopped for an answer', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'));
    const asked = chooseSource('auto', { ...answering(() => Promise.reject(stopped.reason)), signal: stopped });
    await expect(asked).rejects.toThrow('stopped');
  });
});
