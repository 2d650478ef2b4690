/** Runs of the lab that somebody watches: asked for again after each connect, so that no end of a run is missed. */
import type { LabProgress } from '@tapecast/contracts/lab';
import type { ClientToServerEvents, ServerToClientEvents } from '@tapecast/contracts/socket';
import type { Socket } from 'socket.io-client';
import type { Clock } from './clock.ts';

const ASK_AGAIN_MS = 2_000;

export class LabWatch {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #clock: Clock;
  readonly #observers = new Map<number, Set<(run: LabProgress) => void>>();
  #cancelRetry: (() => void) | null = null;

  constructor(socket: Socket<ServerToClientEvents, ClientToServerEvents>, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('connect', () => {
      if (this.#observers.size > 0) this.#ask();
    });
    socket.on('lab', (runs) => this.#tell(runs));
  }

  watch(id: number, observer: (run: LabProgress) => void): () => void {
    const observers = this.#observers.get(id) ?? new Set();
    observers.add(observer);
    this.#observers.set(id, observers);
    this.#ask();
    return () => {
      observers.delete(observer);
      if (observers.size > 0 || this.#observers.get(id) !== observers) return;
      this.#observers.delete(id);
      this.#ask();
    };
  }

  close(): void {
    this.#cancelRetry?.();
    this.#observers.clear();
  }

  #ask(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    if (!this.#socket.connected) return;
    this.#socket.emit('watchLab', { runs: [...this.#observers.keys()] }, (answer) => {
      if (answer.ok) this.#tell(answer.runs);
      else if (answer.error.code !== 'bad_request') {
        this.#cancelRetry = this.#clock.after(ASK_AGAIN_MS, () => this.#ask());
      }
    });
  }

  #tell(runs: LabProgress[]): void {
    for (const run of runs) for (const observer of this.#observers.get(run.id) ?? []) observer(run);
  }
}
