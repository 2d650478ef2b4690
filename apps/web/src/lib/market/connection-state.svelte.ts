/** The connection as the client tells it. */
import type { Client, Connection } from '@tapecast/client/client';

export class ConnectionState {
  current = $state.raw<Connection>({ state: 'connecting', since: 0, lastDataAt: null, problem: null });

  follow(client: Client): () => void {
    this.current = { ...client.connection };
    return client.onConnection((connection) => (this.current = { ...connection }));
  }
}
