/** New passwords for everything, by the words of deploy/README.md, "Rotate secrets". */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { dockerOf, runningTasks } from './support/docker.ts';
import { expectRows, keepListening, untilConnected } from './support/listeners.ts';
import { ask, onStack, world } from './support/outside.ts';
import { authorization, secretOf, settingsNow, takeLogin } from './support/operator.ts';
import { secretSets } from './support/secrets.ts';
import { deploy, DNS_01, QUICK_LEAVE, STACK } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
const LOGINS = {
  tapecast: 'postgres',
  tapecast_ingestor: 'ingestor',
  tapecast_forecaster: 'forecaster',
  tapecast_web: 'web',
};

/** All that lets anybody in, as the services know it now. */
async function passwords(): Promise<Record<string, string>> {
  const found: Record<string, string> = { queue: await secretOf(docker, 'ingestor', 'queue_url') };
  for (const [role, name] of Object.entries(LOGINS)) {
    const service = name === 'postgres' ? 'backup' : name;
    found[role] = await secretOf(docker, service, `${name}_password`);
  }
  return found;
}

/** Whether the database lets this one in by TCP: by its socket it asks for no password. */
async function entersDatabase(role: string, password: string): Promise<boolean> {
  const [task] = await runningTasks(docker, `${STACK}_timescaledb`);
  const login = ['psql', '--no-psqlrc', '-At', '-h', '127.0.0.1', '-U', role, '-c', 'SELECT 1', 'tapecast'];
  return docker(['exec', '--env', `PGPASSWORD=${password}`, task?.container ?? '', ...login]).then(
    () => true,
    (error: unknown) => {
      if (String(error).includes('password authentication failed')) return false;
      throw error;
    },
  );
}

async function entersQueue(url: string): Promise<boolean> {
  const [task] = await runningTasks(docker, `${STACK}_redis`);
  const { username, password } = new URL(url);
  const ping = ['redis-cli', '--user', username, '--pass', password, '--no-auth-warning', 'ping'];
  return (await docker(['exec', task?.container ?? '', ...ping])).includes('PONG');
}

async function operatorSees(user: string, password: string): Promise<number> {
  const headers = { authorization: authorization({ user, password }) };
  return (await ask(`https://traefik.${world.domain}/api/overview`, headers)).status;
}

/** The owner's new password, as the guide sets it. */
async function changeOwner(number: number): Promise<void> {
  const password = randomBytes(24).toString('hex');
  await docker(['secret', 'create', `${STACK}_postgres_password_${number}`, '-'], { input: password });
  const [task] = await runningTasks(docker, `${STACK}_timescaledb`);
  await docker(['exec', '--interactive', task?.container ?? '', 'psql', '-U', 'tapecast', 'tapecast'], {
    input: `ALTER ROLE tapecast PASSWORD '${password}'`,
  });
}

onStack('new secrets', () => {
  const listeners = keepListening(20);

  it('shut out all old passwords, and every client keeps the rows', async () => {
    const old = await passwords();
    for (const role of Object.keys(LOGINS)) expect(await entersDatabase(role, old[role] ?? ''), role).toBe(true);
    expect(await entersQueue(old['queue'] ?? '')).toBe(true);

    const sets = await secretSets(docker);
    const number = Math.max(...sets.keys()) + 1;
    await changeOwner(number);
    // The images that run go on. From now on certificates are asked for by DNS-01.
    const settings = { ...(await settingsNow(docker)), ...DNS_01, ...QUICK_LEAVE, SECRETS: String(number) };
    const said = await deploy(docker, world.deploy, settings);
    await docker(['secret', 'rm', ...[...sets.values()].flat()]);

    const now = await passwords();
    for (const role of Object.keys(LOGINS)) {
      expect(await entersDatabase(role, old[role] ?? ''), `old ${role}`).toBe(false);
      expect(await entersDatabase(role, now[role] ?? ''), `new ${role}`).toBe(true);
    }
    expect(await entersQueue(old['queue'] ?? '')).toBe(false);
    expect(await entersQueue(now['queue'] ?? '')).toBe(true);
    const [, user = '', password = ''] = /user (\S+), password (\S+)/.exec(said) ?? [];
    expect(await operatorSees(user, password)).toBe(200);
    expect(await operatorSees(world.operator.user, world.operator.password)).toBe(401);
    takeLogin({ user, password });

    await untilConnected(listeners);
    await expectRows(docker, listeners);
  });
});
