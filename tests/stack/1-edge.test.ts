/** The stack as strangers, clients and operators see it, and what single tasks may do without anybody noticing. */
import { connect, type TLSSocket } from 'node:tls';
import { io } from 'socket.io-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { dockerOf, runningTasks, until, type Task } from './support/docker.ts';
import { longLived } from './support/long-lived.ts';
import { ask, onStack, origin, world } from './support/outside.ts';
import { openPorts } from './support/ports.ts';
import { publishing } from './support/publishing.ts';
import { STACK } from './support/world.ts';

const docker = dockerOf(world.dockerHost);

function handshake(options: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: world.edge, port: 443, servername: world.domain, ...options });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

onStack('the stack', () => {
  beforeAll(async () => {
    // The certificate of a new name is asked for when the first service with that name is seen.
    await until('the edge shows the page', async () => {
      const { status } = await ask(`${origin}/`);
      return status === 200 || `status ${status}`;
    });
    await longLived();
    publishing(docker).catch(() => undefined); // 3-publish awaits it, and tells what failed
  });

  it('runs the programs that it names', ({ task }) => {
    Object.assign(task.meta, { ranOn: world.ranOn.join('; ') });
    expect(world.ranOn.length).toBeGreaterThan(1);
  });

  describe('the edge', () => {
    it('has a certificate that was really issued', async () => {
      const socket = await handshake({});
      const { issuer, subjectaltname } = socket.getPeerCertificate();
      socket.destroy();
      expect(socket.authorized).toBe(true);
      expect(String(issuer.CN)).toContain('Pebble');
      expect(subjectaltname).toContain(world.domain);
    });

    it('takes TLS 1.2 and 1.3 and nothing older', async () => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const socket = await handshake({ minVersion: version, maxVersion: version });
        expect(socket.getProtocol()).toBe(version);
        socket.destroy();
      }
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
      await expect(handshake(old)).rejects.toThrow();
    });

    it('sends everybody to https', async () => {
      const { status, headers } = await ask(`http://${world.domain}/scores?x=1`);
      expect([301, 308]).toContain(status);
      expect(headers.location).toBe(`${origin}/scores?x=1`);
    });

    it('adds the headers that browsers act on', async () => {
      const { headers } = await ask(`${origin}/`);
      expect(headers['strict-transport-security']).toMatch(/max-age=31536000/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['referrer-policy']).toBe('strict-origin-when-cross-origin');
      expect(headers['content-security-policy']).toContain("script-src 'self'");
      expect(headers['x-powered-by']).toBeUndefined();
    });

    it('shows the dashboard, and REST with live prices', async () => {
      const { body } = await ask(`${origin}/`);
      expect(body).toContain('Tapecast');
      const reply = await ask(`${origin}/api/v1/tickers`);
      expect(reply.status).toBe(200);
      for (const ticker of world.tickers) expect(reply.body).toContain(`"${ticker}"`);
    });

    it('keeps the operators’ pages closed to strangers', async () => {
      const url = `https://traefik.${world.domain}/api/overview`;
      await until('the operators’ router is there', async () => (await ask(url)).status === 401 || 'not yet');
      const wrong = Buffer.from('operator:wrong').toString('base64');
      expect((await ask(url, { authorization: `Basic ${wrong}` })).status).toBe(401);
      const right = Buffer.from(`${world.operator.user}:${world.operator.password}`).toString('base64');
      expect((await ask(url, { authorization: `Basic ${right}` })).status).toBe(200);
    });

    it('knows no other host, and no health or metrics pages of services', async () => {
      expect((await ask(`${origin}/`, { host: 'other.example' })).status).toBe(404);
      expect((await ask(`${origin}/metrics`)).status).toBe(404);
    });

    it('leaves all requests of a long-polling client to one replica', async () => {
      const clients = Array.from({ length: 10 }, () =>
        io(origin, {
          transports: ['polling'],
          withCredentials: true,
          forceNew: true,
          auth: { protocol: 1 },
          reconnection: false,
        }),
      );
      try {
        const answers = await Promise.all(
          clients.map(async (client) => {
            await new Promise<void>((resolve, reject) => {
              client.once('connect', resolve);
              client.once('connect_error', reject);
            });
            const ack: unknown = await client
              .timeout(30_000)
              .emitWithAck('subscribe', { series: [{ ticker: world.tickers[0], resolution: '1d', limit: 5 }] });
            return ack;
          }),
        );
        for (const answer of answers) expect(answer).toMatchObject({ ok: true, series: [{ mode: 'snapshot' }] });
      } finally {
        for (const client of clients) client.close();
      }
    });
  });

  let scan: Promise<number[]> | undefined;
  describe('a killed task of', () => {
    beforeAll(() => {
      scan = openPorts(world.edge); // takes its time, as tasks do
    });
    it.each(['ingestor', 'forecaster', 'redis', 'docker-api'])('%s is replaced', async (name) => {
      const service = `${STACK}_${name}`;
      const before = await runningTasks(docker, service);
      const victim = before[0] as Task;
      await docker(['kill', '--signal', 'KILL', victim.container]);
      await until(`${service} has a new task`, async () => {
        const now = await runningTasks(docker, service);
        return (now.length === before.length && now.every(({ id }) => id !== victim.id)) || `${now.length} run`;
      });
    });

    it('timescaledb is replaced, and no web task dies of it', async () => {
      const web = await runningTasks(docker, `${STACK}_web`);
      const [victim] = await runningTasks(docker, `${STACK}_timescaledb`);
      await docker(['kill', '--signal', 'KILL', victim?.container ?? '']);
      await until('the database is back', async () => {
        const [now] = await runningTasks(docker, `${STACK}_timescaledb`);
        return (now !== undefined && now.id !== victim?.id) || 'not yet';
      });
      await until('REST answers again', async () => {
        const { status } = await ask(`${origin}/api/v1/prices/${world.tickers[0] ?? ''}?resolution=1d`);
        return status === 200 || `status ${status}`;
      });
      const after = await runningTasks(docker, `${STACK}_web`);
      expect(after.map(({ id }) => id).toSorted()).toEqual(web.map(({ id }) => id).toSorted());
    });
  });

  it('lets nothing answer from outside but 80 and 443', async () => {
    const before = new Set(world.portsBefore);
    const now = await (scan ?? openPorts(world.edge));
    scan = undefined; // a second try looks again
    expect(now.filter((port) => !before.has(port))).toEqual([80, 443]);
  });
});
