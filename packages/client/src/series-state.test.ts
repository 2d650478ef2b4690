import { RESOLUTIONS, baseOf } from '@tapecast/contracts/resolution';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { HEAD_OF } from './series.ts';
import { judgeAck, judgeChange, step, type Phase, type Signal } from './series-state.ts';

const epoch = 'first' as Epoch;
const held = { epoch, revision: 10 as Revision };
const change = (prev: number, revision: number, of = epoch) => ({
  epoch: of,
  prev: prev as Revision,
  revision: revision as Revision,
});

describe('judgeChange', () => {
  it.each([
    [9, 10, 'old'],
    [3, 10, 'old'],
    [10, 11, 'next'],
    [8, 12, 'next'],
    [11, 12, 'gap'],
  ] as const)('takes %i → %i while holding 10 as %s', (prev, revision, verdict) => {
    expect(judgeChange(held, change(prev, revision))).toBe(verdict);
  });

  it('takes another epoch, and anything before the first snapshot, as a gap', () => {
    expect(judgeChange(held, change(10, 11, 'second' as Epoch))).toBe('gap');
    expect(judgeChange(null, change(0, 1))).toBe('gap');
  });
});

describe('judgeAck', () => {
  it('never lets an older resume set newer bars back', () => {
    expect(judgeAck(held, epoch, { mode: 'resume', revision: 9 as Revision })).toBe('outrun');
    expect(judgeAck(held, epoch, { mode: 'resume', revision: 10 as Revision })).toBe('resume');
  });

  it('refuses a resume that does not continue what is held, and takes every snapshot', () => {
    expect(judgeAck(null, epoch, { mode: 'resume', revision: 9 as Revision })).toBe('unfit');
    expect(judgeAck(held, 'second' as Epoch, { mode: 'resume', revision: 12 as Revision })).toBe('unfit');
    expect(judgeAck(held, 'second' as Epoch, { mode: 'snapshot', revision: 1 as Revision })).toBe('snapshot');
  });
});

describe('step', () => {
  const phases: Phase[] = ['offline', 'due', 'asking', 'live', 'waiting', 'refused'];
  const signals: Signal[] = ['snapshot', 'resume', 'outrun', 'unfit', 'fail', 'refuse'];

  it('takes acks only while asking', () => {
    for (const phase of phases.filter((each) => each !== 'asking')) {
      for (const signal of signals) expect(step(phase, signal)).toEqual({ phase, effect: 'none' });
    }
  });

  it('asks again after a gap, and for everything after a reconnect', () => {
    expect(step('live', 'gap').phase).toBe('due');
    expect(step('asking', 'rewind').phase).toBe('due');
    for (const phase of phases) {
      expect(step(phase, 'disconnect').phase).toBe('offline');
      expect(step(phase, 'connect').phase).toBe('due');
    }
  });
});

it('knows whose revision each resolution carries', () => {
  expect(HEAD_OF).toEqual(Object.fromEntries(RESOLUTIONS.map((each) => [each, baseOf(each)])));
});
