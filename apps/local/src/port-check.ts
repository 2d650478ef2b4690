import { createServer } from 'node:net';
import { freePort } from './free-port.ts';

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

/**
 * The port that the web will listen on: the one asked for, or a free one for 0.
 *
 * @throws {PortTakenError} naming the variable to change
 */
export async function claimWebPort(host: string, port: number): Promise<number> {
  if (port === 0) return freePort(host);
  const problem = await tryListen(host, port);
  if (problem === null) return port;
  if (problem === 'EADDRINUSE') {
    throw new PortTakenError(
      `PORT ${port} on ${host} is taken by another program. Stop it, or choose another port: PORT=${port + 1} npm start`,
    );
  }
  if (problem === 'EACCES')
    throw new PortTakenError(`PORT ${port} may not be used by this user. Choose one above 1023.`);
  throw new PortTakenError(`HOST ${host} with PORT ${port} cannot be listened on (${problem}).`);
}

function tryListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
