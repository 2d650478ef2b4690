/**
 * The life of one subscribed series as one total table: every phase answers every signal.
 * Losing, doubling or reordering frames may cost a question to the server, never a wrong bar.
 */
import type { BarsChange, SeriesState } from '@tapecast/contracts/socket';
import type { Epoch, Revision } from '@tapecast/contracts/units';

/** What a client has of a series: all changes up to `revision` of `epoch`. */
export interface Held {
  epoch: Epoch;
  revision: Revision;
}

export type Phase =
  /** No connection. */
  | 'offline'
  /** To be asked for with the next subscribe. */
  | 'due'
  /** A subscribe is under way. */
  | 'asking'
  /** Changes arrive. */
  | 'live'
  /** The server could not answer; a pause runs. */
  | 'waiting'
  /** The server will not serve this series as long as this connection lasts. */
  | 'refused';

export type Signal =
  | 'connect'
  | 'disconnect'
  /** The subscribe with this series was sent. */
  | 'sent'
  /** Acks: `resume` fits what is held, `outrun` is older than what frames brought meanwhile, `unfit` cannot be merged. */
  | 'snapshot'
  | 'resume'
  | 'outrun'
  | 'unfit'
  /** `fail` may pass (timeout, database away), `refuse` will not (unknown ticker). */
  | 'fail'
  | 'refuse'
  /** Changes, judged by judgeChange; `gap` also when a status shows a newer head. */
  | 'old'
  | 'next'
  | 'gap'
  /** What is held was set back or dropped: a question under way asks for the wrong thing. */
  | 'rewind'
  /** The pause is over. */
  | 'retry';

/** What to do with the bars that came with the signal; `forget` drops what is held, so that a snapshot is asked for. */
export type Effect = 'none' | 'merge' | 'replace' | 'forget';

export interface Step {
  phase: Phase;
  effect: Effect;
}

const to = (phase: Phase, effect: Effect = 'none'): Step => ({ phase, effect });

const TABLE: Record<Phase, Record<Signal, Step>> = {
  offline: {
    connect: to('due'),
    disconnect: to('offline'),
    sent: to('offline'),
    snapshot: to('offline'),
    resume: to('offline'),
    outrun: to('offline'),
    unfit: to('offline'),
    fail: to('offline'),
    refuse: to('offline'),
    old: to('offline'),
    next: to('offline'),
    gap: to('offline'),
    rewind: to('offline'),
    retry: to('offline'),
  },
  due: {
    connect: to('due'),
    disconnect: to('offline'),
    sent: to('asking'),
    // Acks of questions that were given up: the next one knows better.
    snapshot: to('due'),
    resume: to('due'),
    outrun: to('due'),
    unfit: to('due'),
    fail: to('due'),
    refuse: to('due'),
    old: to('due'),
    next: to('due', 'merge'),
    gap: to('due'),
    rewind: to('due'),
    retry: to('due'),
  },
  asking: {
    connect: to('due'),
    disconnect: to('offline'),
    sent: to('asking'),
    snapshot: to('live', 'replace'),
    resume: to('live', 'merge'),
    outrun: to('live'),
    unfit: to('due', 'forget'),
    fail: to('waiting'),
    refuse: to('refused'),
    old: to('asking'),
    next: to('asking', 'merge'),
    // The ack was read later than this frame, or a status will tell.
    gap: to('asking'),
    rewind: to('due'),
    retry: to('asking'),
  },
  live: {
    connect: to('due'),
    disconnect: to('offline'),
    sent: to('live'),
    snapshot: to('live'),
    resume: to('live'),
    outrun: to('live'),
    unfit: to('live'),
    fail: to('live'),
    refuse: to('live'),
    old: to('live'),
    next: to('live', 'merge'),
    gap: to('due'),
    rewind: to('due'),
    retry: to('live'),
  },
  waiting: {
    connect: to('due'),
    disconnect: to('offline'),
    sent: to('waiting'),
    snapshot: to('waiting'),
    resume: to('waiting'),
    outrun: to('waiting'),
    unfit: to('waiting'),
    fail: to('waiting'),
    refuse: to('waiting'),
    old: to('waiting'),
    next: to('waiting', 'merge'),
    gap: to('waiting'),
    rewind: to('waiting'),
    retry: to('due'),
  },
  refused: {
    connect: to('due'),
    disconnect: to('offline'),
    sent: to('refused'),
    snapshot: to('refused'),
    resume: to('refused'),
    outrun: to('refused'),
    unfit: to('refused'),
    fail: to('refused'),
    refuse: to('refused'),
    old: to('refused'),
    next: to('refused'),
    gap: to('refused'),
    rewind: to('refused'),
    retry: to('due'),
  },
};

export function step(phase: Phase, signal: Signal): Step {
  return TABLE[phase][signal];
}

/** The rule of the protocol: `revision ≤ held` is old, `prev ≤ held < revision` is next, all else leaves a gap. */
export function judgeChange(
  held: Held | null,
  change: Pick<BarsChange, 'epoch' | 'prev' | 'revision'>,
): 'old' | 'next' | 'gap' {
  if (held === null || held.epoch !== change.epoch) return 'gap';
  if (change.revision <= held.revision) return 'old';
  return change.prev <= held.revision ? 'next' : 'gap';
}

/** A resume is older than what is held when frames overtook it: its bars would then set newer ones back. */
export function judgeAck(
  held: Held | null,
  epoch: Epoch,
  state: Pick<SeriesState, 'mode' | 'revision'>,
): 'snapshot' | 'resume' | 'outrun' | 'unfit' {
  if (state.mode === 'snapshot') return 'snapshot';
  if (held === null || held.epoch !== epoch) return 'unfit';
  return state.revision < held.revision ? 'outrun' : 'resume';
}
