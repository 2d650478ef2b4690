/** A certificate authority for the tests: pebble speaks ACME and really asks for the challenge, on port 80 or of the tests' name server. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { freePort } from '../../../apps/local/src/free-port.ts';
import { startServerProcess } from '../../support/server-process.ts';
import type { GoPrograms } from './go-programs.ts';
import { until } from './docker.ts';
import { run } from './run.ts';

/** Of pebble's own pages; what it issues hangs on another root, new at each start. */
export interface TestAuthority {
  certificate: string;
  key: string;
}

export interface AcmeServer {
  /** For Traefik's `caServer`. */
  readonly directory: string;
  /** The root of what it issues, in PEM. */
  readonly root: string;
  close(): Promise<void>;
}

/** A self-signed certificate for pebble's HTTPS at `address`. @returns paths of two PEM files */
export async function makeAuthority(folder: string, address: string): Promise<TestAuthority> {
  const certificate = join(folder, 'acme.pem');
  const key = join(folder, 'acme.key');
  const names = `subjectAltName=IP:${address},IP:127.0.0.1`;
  const subject = ['-subj', '/CN=Tapecast test authority', '-addext', names];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { certificate, key };
}

/** @param options.address of this machine as containers see it @param options.nameServer address and port */
export async function startAcme(
  folder: string,
  options: { address: string; nameServer: string; authority: TestAuthority; programs: GoPrograms },
): Promise<AcmeServer> {
  const { address, nameServer, authority, programs } = options;
  const [port, managementPort] = await Promise.all([0, 0].map(() => freePort()));
  const config = {
    pebble: {
      listenAddress: `${address}:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: authority.certificate,
      privateKey: authority.key,
      httpPort: 80,
      tlsPort: 443,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    },
  };
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'pebble.json');
  await writeFile(file, JSON.stringify(config));
  const pebble = await startServerProcess(
    programs.pebble,
    ['-config', file, '-dnsserver', nameServer, '-strict'],
    /ACME directory available|Listening on/,
    { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
  );
  const ca = await readFile(authority.certificate, 'utf8');
  const ask = () => fetchPem(`https://127.0.0.1:${managementPort}/roots/0`, ca);
  let root = '';
  await until('pebble tells its root', async () => {
    root = await ask();
    return root.includes('BEGIN CERTIFICATE') || 'something else';
  });
  return {
    directory: `https://${address}:${port}/dir`,
    root,
    close: async () => {
      await pebble.end();
    },
  };
}

function fetchPem(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpsGet(url, { ca }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(text));
    }).once('error', reject);
  });
}
