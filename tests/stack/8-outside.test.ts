/** The database leaves the stack, by the words of deploy/README.md, "Move the database out". */
import { expect, it } from 'vitest';
import { everything, outsideDatabase, stackDatabase } from './support/database.ts';
import { dockerOf, untilSettled } from './support/docker.ts';
import { expectRows, keepListening, untilConnected } from './support/listeners.ts';
import { secretOf, settingsNow, tapecast } from './support/operator.ts';
import { onStack, world } from './support/outside.ts';
import { deploy, STACK } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
const outside = outsideDatabase();

onStack('a database elsewhere', () => {
  const listeners = keepListening(20);

  it('takes over all rows, and every client comes to them', async () => {
    await docker(['service', 'scale', '--detach', `${STACK}_ingestor=0`, `${STACK}_forecaster=0`]);
    for (const writer of ['ingestor', 'forecaster']) await untilSettled(docker, `${STACK}_${writer}`, 0);
    await tapecast(docker, ['backup']);
    const rows = await everything(stackDatabase(docker));

    const password = await secretOf(docker, 'backup', 'postgres_password');
    const administrator = outsideDatabase('postgres');
    await administrator(`CREATE ROLE tapecast LOGIN CREATEDB CREATEROLE PASSWORD '${password}'`);
    await administrator('CREATE DATABASE tapecast OWNER tapecast');
    const { host, port, ca } = world.outside;
    const place = { POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_CA_FILE: ca };
    await tapecast(docker, ['restore', '/backups'], place);
    expect(await everything(outside)).toBe(rows);

    const settings = { ...(await settingsNow(docker)), ...place };
    expect(await deploy(docker, world.deploy, settings)).toContain('its volume tapecast_prices is kept');
    await untilSettled(docker, `${STACK}_timescaledb`, 0);
    await untilConnected(listeners);
    await expectRows(docker, listeners, outside);
  });

  it('is reached over TLS by every service, each with its own role', async () => {
    const logins = await outside(
      `SELECT usename, bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
       WHERE usename LIKE 'tapecast\\_%' AND usename <> 'tapecast_admin' GROUP BY usename ORDER BY usename`,
    );
    expect(logins.split('\n')).toEqual(['tapecast_forecaster|t', 'tapecast_ingestor|t', 'tapecast_web|t']);
  });

  it('is backed up from then on', async () => {
    await tapecast(docker, ['backup']);
    expect(await tapecast(docker, ['restore', '--drill'])).toContain('can be restored');
    const version = await outside(`SELECT split_part(current_setting('server_version'), ' ', 1)`);
    expect(await tapecast(docker, ['backup', 'list', '--json'])).toContain(`"${version}"`);
  });

  it('stays the only one when deploy/up runs again', async () => {
    const { host, port, ca } = world.outside;
    const place = { POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_CA_FILE: ca };
    await deploy(docker, world.deploy, { ...(await settingsNow(docker)), ...place });
    await untilSettled(docker, `${STACK}_timescaledb`, 0);
    await untilConnected(listeners);
    await expectRows(docker, listeners, outside);
  });
});
