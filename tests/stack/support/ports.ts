/** Which TCP ports of an address answer. */
import { connect } from 'node:net';

const AT_ONCE = 500;
const PATIENCE_MS = 2_000;

/** Tries all of them. @returns those that took a connection, rising */
export async function openPorts(address: string): Promise<number[]> {
  const open: number[] = [];
  let next = 1;
  const work = async () => {
    for (let port = next++; port <= 65_535; port = next++) if (await answers(address, port)) open.push(port);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return open.toSorted((a, b) => a - b);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    // A port that nobody has may be lent to this very socket, which then reaches itself.
    socket.once('connect', () => end(socket.localPort !== port));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
