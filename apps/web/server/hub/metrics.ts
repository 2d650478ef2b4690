/** What the hub counts. Names are public: dashboards and alerts rely on them. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Counts in the hot path, a hundred thousand times a second: a number here, the library's counter when it is asked. */
export class Tally {
  #value = 0;

  add(count: number): void {
    this.#value += count;
  }

  get value(): number {
    return this.#value;
  }
}

const LATENCY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10];

export interface HubMetrics {
  connections: Gauge;
  subscriptions: Gauge;
  frames: Tally;
  barsDelivered: Tally;
  conflated: Tally;
  answers: Counter<'mode'>;
  refusals: Counter<'code'>;
  reads: Counter<'what'>;
  listenLag: Histogram;
  /** Of some of the frames. */
  commitToPush: Histogram;
  /** Asked when the metrics are read. */
  watchBuffers(bytes: () => number): void;
  hintsMalformed: Counter;
  hintsLost: Counter;
  epochChanges: Counter;
}

export function createHubMetrics(registry: Registry): HubMetrics {
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
    new Counter({ name: `tapecast_hub_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `tapecast_hub_${name}`, help, registers });
  const tally = (name: string, help: string): Tally => {
    const counted = new Tally();
    new Counter({
      name: `tapecast_hub_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(counted.value);
      },
    });
    return counted;
  };
  let bufferedBytes = () => 0;
  new Gauge({
    name: 'tapecast_hub_buffered_bytes',
    help: 'Bytes that wait in front of slow clients, all together',
    registers,
    collect() {
      this.set(bufferedBytes());
    },
  });
  const histogram = (name: string, help: string): Histogram =>
    new Histogram({ name: `tapecast_hub_${name}`, help, buckets: LATENCY_BUCKETS, registers });
  return {
    listenLag: histogram('listen_lag_seconds', 'From the commit of a change to the hint of it in the hub'),
    commitToPush: histogram(
      'commit_to_push_seconds',
      'From the commit of a change to its frame, of a change of one frame in 16',
    ),
    watchBuffers: (bytes) => (bufferedBytes = bytes),
    connections: gauge('connections', 'Clients that are connected'),
    subscriptions: gauge('subscriptions', 'Series that clients are subscribed to, counted per client'),
    frames: tally('frames_total', 'Frames of bars that were sent'),
    barsDelivered: tally('bars_delivered_total', 'Bars in these frames'),
    conflated: tally('changes_conflated_total', 'Revisions that were merged into a later one before they were sent'),
    answers: counter('answers_total', 'Series that were answered, by mode: snapshot or resume', ['mode']),
    refusals: counter('refusals_total', 'Requests or series that were refused, by code', ['code']),
    reads: counter('reads_total', 'Queries, by what was read', ['what']),
    hintsMalformed: counter('hints_malformed_total', 'NOTIFY payloads that are not what the contract says'),
    hintsLost: counter('hints_lost_total', 'Changes that were found by reading, because no hint told of them'),
    epochChanges: counter('epoch_changes_total', 'Times that all clients had to begin anew'),
  };
}
