import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, asAdmin } from '../../support/postgres.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { connect, type Socket } from 'node:net';

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describe('createDatabase', () => {
  it('gives databases that do not see each other and are gone after drop', async () => {
    const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
    const client = await connected(one.url);
    await client.query('CREATE TABLE only_here (n int)');
    await client.end();
    const other = await connected(two.url);
    await expect(other.query('SELECT * FROM only_here')).rejects.toThrow('does not exist');
    await other.end();
    await Promise.all([one.drop(), two.drop()]);
    const left = await asAdmin((admin) =>
      admin.query('SELECT 1 FROM pg_database WHERE datname IN ($1, $2)', [one.name, two.name]),
    );
    expect(left.rows).toEqual([]);
  });

  it('fails the test that leaves a connection open, and names it', async () => {
    const database = await createDatabase();
    const forgotten = await connected(`${database.url}?application_name=forgotten`);
    await expect(database.drop()).rejects.toThrow(/1 connection.*forgotten/);
    await forgotten.end().catch(() => undefined);
  });
});

describe('startRedis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('keeps what it acknowledged through a crash', async () => {
    expect(await ask(redis.url, 'SET kept yes')).toBe('+OK');
    await redis.kill();
    await redis.restart();
    expect(await ask(redis.url, 'GET kept')).toContain('yes');
  });
});

function ask(url: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (reply) => {
      socket.destroy();
      resolve(reply.toString().trim());
    });
  });
}
