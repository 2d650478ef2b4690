/** A PostgreSQL server elsewhere: it takes who comes by network over TLS only, under one name, with a CA of its own. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startPostgres } from '../../apps/local/src/embedded.ts';
import { postgresUser } from '../../apps/local/src/os-user.ts';

export interface TlsPostgres {
  readonly server: EmbeddedPostgres;
  /** Path of its CA's certificate, in PEM. */
  readonly ca: string;
  /** Path of a CA's that has nothing to do with it. */
  readonly stranger: string;
  stop(): Promise<void>;
}

/** @param host name in its certificate @param address where it answers besides 127.0.0.1 */
export async function startTlsPostgres(host: string, address?: string): Promise<TlsPostgres> {
  // The server's own user has to get in.
  const folder = mkdtempSync(join(tmpdir(), 'tapecast-tls-'));
  chmodSync(folder, 0o755);
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  for (const ca of ['ca', 'stranger']) {
    // prettier-ignore
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
  }
  writeFileSync(path('san.txt'), `subjectAltName=DNS:${host}\n`);
  // prettier-ignore
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${host}`, '-keyout', 'server.key', '-out', 'server.csr');
  // prettier-ignore
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.txt', '-out', 'server.pem');
  writeFileSync(path('hba.conf'), 'hostssl all all all scram-sha-256\n');
  const owner = await postgresUser();
  for (const file of ['server.key', 'server.pem', 'hba.conf']) {
    chmodSync(path(file), 0o600);
    if (owner !== null) chownSync(path(file), owner.uid, owner.gid);
  }
  const server = await startPostgres({
    folder: path('data'),
    settings: {
      fsync: 'off',
      ssl: 'on',
      ssl_cert_file: path('server.pem'),
      ssl_key_file: path('server.key'),
      hba_file: path('hba.conf'),
      listen_addresses: address === undefined ? '127.0.0.1' : `127.0.0.1,${address}`,
    },
  });
  return {
    server,
    ca: path('ca.pem'),
    stranger: path('stranger.pem'),
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
